# The default network: a convolutional autoencoder of MNIST, 28 → 14 → 7 → 1 and back.
castnet_add_network(mnist_cae
  INPUT 28x28x1
  ENCODER
    "conv2d filters=32 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=2 kernel=7 padding=valid"
  DECODER
    "conv2d_transpose filters=64 kernel=7 padding=valid activation=relu"
    "conv2d_transpose filters=32 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=1 kernel=7 stride=2 padding=same")
castnet_add_programs(mnist_cae CLASSES 1,5,6)

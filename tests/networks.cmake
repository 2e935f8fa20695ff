# Networks unlike the default one, each with something that hurts. The tests and peers/compare_with_keras.py use them.
castnet_add_network(test_rgb # colour, strides 2 and 4
  INPUT 32x32x3
  ENCODER
    "conv2d filters=16 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=8 kernel=4 stride=4 activation=tanh"
  DECODER
    "conv2d_transpose filters=16 kernel=4 stride=4 activation=relu"
    "conv2d_transpose filters=3 kernel=3 stride=2 padding=same activation=sigmoid")

castnet_add_network(test_odd # odd sizes, rectangular kernels and strides, 33 channels, L2
  INPUT 17x23x2
  ENCODER
    "conv2d filters=33 kernel=3x5 stride=2x3 padding=same activation=relu"
    "conv2d filters=5 kernel=2 activation=tanh l2=0.001"
  DECODER
    "conv2d_transpose filters=7 kernel=2 activation=relu"
    "conv2d_transpose filters=2 kernel=9 stride=1x2 l2=1e-2")

castnet_add_network(test_gap # strides larger than kernels, names
  INPUT 12x10x1
  ENCODER "conv2d filters=4 kernel=2 stride=3 activation=sigmoid name=squeeze"
  DECODER
    "conv2d_transpose filters=6 kernel=1x2 stride=3 activation=relu name=stretch"
    "conv2d_transpose filters=1 kernel=1x2")

castnet_add_network(test_softmax # softmax everywhere, a conv2d in the decoder
  INPUT 8x8x5
  ENCODER
    "conv2d filters=6 kernel=3 padding=same activation=softmax"
    "conv2d filters=3 kernel=8 activation=softmax"
  DECODER
    "conv2d_transpose filters=10 kernel=8 activation=tanh"
    "conv2d filters=5 kernel=1 activation=softmax")

castnet_add_network(test_wide # vectors that do not divide, a wide image
  INPUT 6x40x70
  ENCODER "conv2d filters=17 kernel=1x7 stride=1x2 padding=same activation=relu"
  DECODER "conv2d_transpose filters=70 kernel=5x4 stride=1x2 padding=same")

castnet_add_network(test_one # one of everything
  INPUT 1x1x1
  ENCODER "conv2d filters=1 kernel=1"
  DECODER "conv2d_transpose filters=1 kernel=1 activation=tanh")

foreach(castnet_network IN ITEMS test_rgb test_odd test_gap test_softmax test_wide test_one)
  castnet_add_programs(${castnet_network})
endforeach()

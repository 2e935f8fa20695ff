# Six networks unlike the default one, for the autotuner: shapes that the schedules' defaults were not designed on.

# Colour images, 5x5 kernels first, a wide middle.
castnet_add_network(tune_colour
  INPUT 32x32x3
  ENCODER
    "conv2d filters=32 kernel=5 stride=2 padding=same activation=relu"
    "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=128 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=16 kernel=4"
  DECODER
    "conv2d_transpose filters=128 kernel=4 activation=relu"
    "conv2d_transpose filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=32 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=3 kernel=5 stride=2 padding=same activation=sigmoid")

# Three axes of vibration over time: one row.
castnet_add_network(tune_signal
  INPUT 1x256x3
  ENCODER
    "conv2d filters=32 kernel=1x9 stride=1x4 padding=same activation=relu"
    "conv2d filters=64 kernel=1x5 stride=1x4 padding=same activation=relu"
    "conv2d filters=8 kernel=1x16"
  DECODER
    "conv2d_transpose filters=64 kernel=1x16 activation=relu"
    "conv2d_transpose filters=32 kernel=1x5 stride=1x4 padding=same activation=relu"
    "conv2d_transpose filters=3 kernel=1x9 stride=1x4 padding=same")

# A spectrogram: not square, channels that are no powers of two, kernels and strides that differ by dimension.
castnet_add_network(tune_spectrum
  INPUT 48x40x2
  ENCODER
    "conv2d filters=48 kernel=5x3 stride=2 padding=same activation=relu"
    "conv2d filters=80 kernel=3x3 stride=2x2 padding=same activation=relu"
    "conv2d filters=96 kernel=3x5 stride=3x2 padding=same activation=relu"
    "conv2d filters=10 kernel=4x5"
  DECODER
    "conv2d_transpose filters=96 kernel=4x5 activation=relu"
    "conv2d_transpose filters=80 kernel=3x5 stride=3x2 padding=same activation=relu"
    "conv2d_transpose filters=48 kernel=3x3 stride=2x2 padding=same activation=relu"
    "conv2d_transpose filters=2 kernel=5x3 stride=2 padding=same")

# Large images, few channels: the first layers hold most of the work.
castnet_add_network(tune_large
  INPUT 96x96x1
  ENCODER
    "conv2d filters=16 kernel=5 stride=2 padding=same activation=relu"
    "conv2d filters=32 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=4 kernel=12"
  DECODER
    "conv2d_transpose filters=64 kernel=12 activation=relu"
    "conv2d_transpose filters=32 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=16 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=1 kernel=5 stride=2 padding=same")

# No stride within a block: dense layers of 3x3 and 1x1, every epilogue.
castnet_add_network(tune_dense
  INPUT 20x20x4
  ENCODER
    "conv2d filters=64 kernel=3 padding=same activation=relu"
    "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d filters=96 kernel=1 activation=relu"
    "conv2d filters=16 kernel=10"
  DECODER
    "conv2d_transpose filters=96 kernel=10 activation=relu"
    "conv2d_transpose filters=64 kernel=1 activation=relu"
    "conv2d_transpose filters=64 kernel=3 stride=2 padding=same activation=relu"
    "conv2d_transpose filters=4 kernel=3 padding=same")

# Odd sizes, strides of 3 and 1, kernels of every size.
castnet_add_network(tune_odd
  INPUT 27x33x5
  ENCODER
    "conv2d filters=32 kernel=5 stride=3 padding=same activation=relu"
    "conv2d filters=80 kernel=3 stride=1 padding=same activation=relu"
    "conv2d filters=48 kernel=2 stride=1 activation=relu"
    "conv2d filters=7 kernel=8x10"
  DECODER
    "conv2d_transpose filters=48 kernel=8x10 activation=relu"
    "conv2d_transpose filters=80 kernel=2 activation=relu"
    "conv2d_transpose filters=32 kernel=3 padding=same activation=relu"
    "conv2d_transpose filters=5 kernel=5 stride=3 padding=same")

"""The depths at which figures 2 and 3 train networks, and the figure of depth predicts them."""

FCN_DEPTHS = (1, 2, 3, 5, 7, 10)
CNN_DEPTHS = (1, 2, 5, 7, 10, 14, 20)
CNN_DEPTHS_WITH_BIASES = (5, 10, 20)

"""What may be chosen by name, for help texts, which need no torch; tests hold the names against what they stand for."""

NETWORKS = ("fcn", "cnn", "lcn")
ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "gelu", "softplus", "tanh", "sigmoid", "erf")
SCHEMES = (
    "default",
    "yann_normal",
    "yann_uniform",
    "xavier_normal",
    "xavier_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "orthogonal",
)
OPTIMIZERS = ("sgd", "adam", "adamax", "rmsprop", "adagrad")
PRECISIONS = ("float32", "float64", "tf32", "bfloat16")

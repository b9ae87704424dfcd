"""The networks compute what their docstrings say, and count the parameters that the paper counts."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from empirics import CNN, FCN, LCN
from tests.empirics.dyadic import integers

WINDOWS = [
    {"kernel_size": 3},
    {"kernel_size": 4},  # even: the odd pixel of padding goes right and below
    {"kernel_size": (2, 5)},
    {"kernel_size": 3, "dilation": 2},
    {"kernel_size": (2, 3), "dilation": (3, 1)},
    {"kernel_size": 3, "padding": "valid"},
    {"kernel_size": 3, "padding": 2, "stride": 2},
    {"kernel_size": (3, 4), "padding": (0, 2), "stride": (2, 3)},
]


def filled(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in float64 with small integers for weights: its arithmetic is exact."""
    network = network.to(torch.float64)
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(integers(*parameter.shape, seed=seed + index))
    return network


@pytest.mark.parametrize(
    ("depth", "channels", "parameters"),
    [
        (5, 3, 825),
        (5, 128, 1_235_200),
        (5, 1024, 78_694_400),
        (20, 3, 4_200),
        (20, 128, 7_379_200),
        (20, 1024, 471_910_400),
    ],
)
def test_parameter_counts_are_the_papers(depth: int, channels: int, parameters: int) -> None:
    with torch.device("meta"):
        network = CNN(1, depth, channels)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_depth_one_is_one_torch_layer() -> None:
    (linear,) = FCN(6, 1, out_features=4).layers
    assert isinstance(linear, nn.Linear)
    assert linear.weight.shape == (4, 6)
    (convolution,) = CNN(3, 1, kernel_size=(3, 5), out_channels=2).layers
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.shape == (2, 3, 3, 5)


@pytest.mark.parametrize("bias", [False, True])
def test_fcn_applies_its_activation_between_layers_only(bias: bool) -> None:
    network = filled(FCN(4, 3, 5, out_features=2, bias=bias))
    x = integers(7, 4, seed=1)
    one, two, three = network.layers
    assert torch.equal(network(x), three(torch.relu(two(torch.relu(one(x))))))


def test_output_activation_makes_a_one_layer_nonlinear_network() -> None:
    x = integers(7, 4, seed=1)
    network = filled(FCN(4, 1, output_activation="relu"))
    assert torch.equal(network(x), torch.relu(network.layers[0](x)))
    images = integers(2, 1, 5, 5, seed=1)
    convolution = filled(CNN(1, 1, kernel_size=3, output_activation="tanh"))
    assert torch.equal(convolution(images), torch.tanh(convolution.layers[0](images)))


@pytest.mark.parametrize("depth", [4, 5, 6, 7])
def test_residual_fcn_skips_every_two_hidden_layers(depth: int) -> None:
    network = filled(FCN(3, depth, 4, residual=True))
    x = integers(7, 3, seed=1)
    first, *hidden, last = network.layers
    h = torch.relu(first(x))
    while len(hidden) >= 2:
        w1, w2, *hidden = hidden
        h = h + torch.relu(w2(torch.relu(w1(h))))
    for plain in hidden:
        h = torch.relu(plain(h))
    assert torch.equal(network(x), last(h))


@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_cnn_is_convolutions_with_activations_between(window: dict, padding_mode: str) -> None:
    settings = {"padding": "same"} | window
    network = filled(CNN(2, 2, 3, padding_mode=padding_mode, bias=True, **settings))
    one, two = (
        filled(nn.Conv2d(a, b, padding_mode=padding_mode, **settings), seed) for a, b, seed in ((2, 3, 0), (3, 2, 2))
    )
    images = integers(2, 2, 11, 12, seed=1)
    assert torch.equal(network(images), two(torch.relu(one(images))))


def test_cnn_takes_images_of_any_size() -> None:
    network = filled(CNN(1, 3, 2, 3))
    assert network(integers(2, 1, 9, 5, seed=0)).shape == (2, 1, 9, 5)


@pytest.mark.parametrize("padding_mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_lcn_is_a_convolution_with_another_kernel_at_every_pixel(window: dict, padding_mode: str) -> None:
    settings = {"padding": "same", "padding_mode": padding_mode} | window
    network = filled(LCN(2, (6, 7), out_channels=3, bias=True, **settings))
    convolution = nn.Conv2d(2, 3, **settings).to(torch.float64)
    images = integers(2, 2, 6, 7, seed=1)
    outputs = network(images)
    assert outputs.shape == convolution(images).shape
    for i in range(outputs.shape[2]):
        for j in range(outputs.shape[3]):
            convolution.load_state_dict({"weight": network.weight[i, j], "bias": network.bias[i, j]})
            assert torch.equal(outputs[:, :, i, j], convolution(images)[:, :, i, j])


def test_lcn_refuses_images_of_another_size() -> None:
    with pytest.raises(ValueError, match="images of one size"):
        LCN(1, 5, kernel_size=3)(torch.zeros(1, 1, 6, 5))


def test_activations_are_torchs() -> None:
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)[:, None]
    for name in ("relu", "leaky_relu", "elu", "gelu", "softplus", "tanh", "sigmoid"):
        network = FCN(1, 1, output_activation=name).to(torch.float64)
        nn.init.ones_(network.layers[0].weight)
        assert torch.equal(network(x), getattr(torch if name in ("tanh", "sigmoid") else functional, name)(x))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: FCN(0, 1), ValueError, "in_features must be at least 1, got 0"),
        (lambda: FCN(4, True), TypeError, "depth must be an integer, got True"),
        (lambda: FCN(4, 1.0), TypeError, "depth must be an integer, got 1.0"),
        (lambda: FCN(4, 2, activation="reluu"), ValueError, "activation must be one of linear, relu"),
        (lambda: FCN(4, 2, activation=torch.relu), TypeError, "activation must be a string"),
        (lambda: FCN(4, 3, residual=True), ValueError, "depth must be at least 4"),
        (lambda: FCN(4, 3, bias=1), TypeError, "bias must be True or False, got 1"),
        (lambda: CNN(1, 1, kernel_size=0), ValueError, "kernel_size must be at least 1"),
        (lambda: CNN(1, 1, kernel_size=(3, 3, 3)), ValueError, "kernel_size must be an integer or a pair"),
        (lambda: CNN(1, 1, padding="full"), ValueError, "padding must be one of same, valid"),
        (lambda: CNN(1, 1, padding=-1), ValueError, "padding must be at least 0"),
        (lambda: CNN(1, 1, padding_mode="mirror"), ValueError, "padding_mode must be one of"),
        (lambda: CNN(1, 1, stride=2), ValueError, "stride must be 1 for padding='same'"),
        (
            lambda: LCN(1, 3, kernel_size=5, padding="valid"),
            ValueError,
            "spans 5×5 pixels, but the padded image has only",
        ),
    ],
)
def test_impossible_settings_are_refused(make, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()

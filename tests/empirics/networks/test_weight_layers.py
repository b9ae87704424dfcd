"""Weight layers and how they count."""

import pytest
import torch
from torch import nn

from empirics.networks.locally_connected import LCN
from empirics.networks.weight_layers import Fans, places, wanted, weight_layers

LAYERS = {
    "linear": (nn.Linear(6, 4), Fans(1, 4, 6, 4), 1),
    "convolution": (nn.Conv2d(2, 3, (3, 5)), Fans(1, 3, 30, 45), 20),
    "locally connected": (LCN(2, (4, 5), out_channels=3, kernel_size=(3, 1)), Fans(20, 3, 6, 9), 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_counts_as_torch_counts_it(name: str) -> None:
    layer, fans, used = LAYERS[name]
    assert (Fans.of(layer), places(layer, 20)) == (fans, used)
    assert fans.blocks * fans.outputs * fans.f_in == layer.weight.numel()
    if not isinstance(layer, LCN):
        assert nn.init._calculate_fan_in_and_fan_out(layer.weight) == (fans.f_in, fans.f_out)


def test_weight_layers_are_found_at_every_level_and_nothing_else() -> None:
    inner = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.BatchNorm2d(1))
    network = nn.Sequential(inner, nn.Flatten(), nn.Linear(1, 1))
    assert weight_layers(network) == [inner[0], network[2]]
    assert weight_layers(network[2]) == [network[2]]


def test_what_a_layer_takes() -> None:
    assert wanted(nn.Linear(6, 4), torch.zeros(2, 5)) == (6, "entries", 5)
    assert wanted(nn.Conv2d(2, 3, 1), torch.zeros(7, 4, 4)) == (2, "channels", 7)
    assert wanted(nn.Conv2d(2, 3, 1), torch.zeros(7, 4)) == (2, "channels", None)

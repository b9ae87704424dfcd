"""What a network is: the same for the same one made anew, in any process, and another for any other."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import weight_norm

from empirics import CNN, FCN, LCN, Recipe, TrainedEnsemble, train
from empirics.networks.anatomy import anatomy
from empirics.networks.architecture import describe, is_as_described
from empirics.training.stack.members import has_stacked_layers
from tests.empirics.naive import train_alone

SETTINGS = {
    "depth": st.integers(4, 5),
    "width": st.integers(1, 2),
    "activation": st.sampled_from(["relu", "tanh"]),
    "output_activation": st.sampled_from(["linear", "relu"]),
    "residual": st.booleans(),
    "bias": st.booleans(),
}


@given(st.fixed_dictionaries(SETTINGS), st.fixed_dictionaries(SETTINGS))
def test_networks_have_one_anatomy_where_their_settings_are_the_same(one: dict, two: dict) -> None:
    assert (anatomy(FCN(2, **one)) == anatomy(FCN(2, **two))) == (one == two)


def test_weights_dtypes_and_places_are_no_part_of_it() -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        nowhere = CNN(1, 2, 3)
    assert anatomy(CNN(1, 2, 3)) == anatomy(CNN(1, 2, 3).double()) == anatomy(nowhere)


def test_it_is_the_same_in_every_process_and_after_other_hooks() -> None:
    """Sets have another order in each process, and hooks are numbered through all of one."""
    script = """
from torch import nn
from empirics.networks.anatomy import anatomy
class Odd(nn.Module):
    names = frozenset({"a", "b", "c", "d"})
    def __init__(self):
        super().__init__()
        self.layer, self.held = nn.Linear(2, 2), {"x", "y", "z"}
        self.layer.register_forward_hook(lambda *_: None)
    def forward(self, x):
        return self.layer(x) if self.held in ({"p", "q", "r"}, {"s", "t"}) else x
Odd() if len(__import__("sys").argv) > 1 else None
print(sorted(anatomy(Odd()).items()))
"""
    told = {
        subprocess.run([sys.executable, "-c", script, *more], check=True, capture_output=True, text=True).stdout
        for more in ([], ["again"], [])
    }
    assert len(told) == 1


def test_operations_count_as_constants_do() -> None:
    """A sum x + 2 and a product x · 2 hold the same constants and names."""

    class Held(nn.Module):
        def __init__(self, act) -> None:
            super().__init__()
            self.act = act

    plus, times, three = (Held(act) for act in (lambda x: x + 2, lambda x: x * 2, lambda x: x * 3))
    assert anatomy(plus) != anatomy(times) != anatomy(three)
    assert anatomy(Held(lambda x: x * 2)) == anatomy(times)


def test_one_that_holds_itself_has_one_too() -> None:
    network = nn.Linear(2, 2)
    network.held = [network]
    network.held.append(network.held)
    assert anatomy(network) == anatomy(network)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def hooked(network: nn.Module) -> None:
    network.layers[1].register_forward_hook(lambda _, given, out: 2 * out)


def other_layer(network: nn.Module) -> None:
    network.layers[1] = Doubled(3, 4, bias=False)


def other_forward(network: nn.Module) -> None:
    forward = network.forward
    network.forward = lambda x: 2 * forward(x)


CHANGES = {
    "a hook": hooked,
    "a layer of another class": other_layer,
    "weight normalization": lambda network: weight_norm(network.layers[1]),
    "a buffer": lambda network: network.register_buffer("shift", torch.ones(4)),
}


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch's, of weight normalization
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_is_not_taken_for_its_settings(change: str, tmp_path) -> None:
    """It trains by its own forward, as torch takes it, and is not rebuilt without the change."""

    def make_model() -> nn.Module:
        network = FCN(4, 2, 3)
        CHANGES[change](network)
        return network

    assert has_stacked_layers(FCN(4, 2, 3))
    assert is_as_described(FCN(4, 2, 3).eval())
    assert not has_stacked_layers(make_model())
    assert describe(make_model()) is None
    x = torch.tensor([[-1.0, 0.5, 2.0, -0.25]], dtype=torch.float64)
    recipe = Recipe(lr=0.01, steps=5, precision="float64")
    names = dict(make_model().named_parameters())
    generator = torch.Generator().manual_seed(0)
    initial = {name: torch.rand(2, *p.shape, generator=generator, dtype=torch.float64) for name, p in names.items()}
    ensemble = train(make_model, x, recipe=recipe, seeds=(0, 1), initial=initial)
    for index in range(2):
        start = make_model().double().state_dict() | {name: value[index] for name, value in initial.items()}
        expected, _ = train_alone(make_model, start, x, x, recipe)
        for name, value in expected.items():
            # Five steps of a few dozen operations on numbers near 1.
            assert torch.allclose(ensemble.weights[name][index], value, rtol=0, atol=5 * 64 * 2**-52)
    ensemble.save(tmp_path)
    with pytest.raises(ValueError, match="make_model must be given"):
        TrainedEnsemble.load(tmp_path)
    assert torch.equal(TrainedEnsemble.load(tmp_path, make_model).predict(x), ensemble.predict(x))


def test_a_forward_that_belongs_to_another_network_is_refused() -> None:
    """A copy of it, for each member, would go on calling the first one's layers."""

    def make_model() -> nn.Module:
        network = FCN(4, 2, 3)
        other_forward(network)
        return network

    assert not has_stacked_layers(make_model())
    with pytest.raises(ValueError, match="uses all its parameters, got one that does not use"):
        train(make_model, torch.rand(4), recipe=Recipe(steps=1))


def test_a_pruned_network_cannot_be_copied_and_is_refused() -> None:
    """Its weight is computed from others before each forward, and lies about as an attribute between."""

    def make_model() -> nn.Module:
        network = LCN(1, 4, kernel_size=3)
        prune.l1_unstructured(network, "weight", 0.5)
        return network

    with pytest.raises(ValueError, match=r"make_model must return a network that copy\.deepcopy can copy"):
        train(make_model, torch.rand(1, 4, 4), recipe=Recipe(steps=1))

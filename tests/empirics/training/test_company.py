"""What a member becomes depends neither on the company that it trains in nor on how its stack computes."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from empirics import CNN, FCN, LCN, Recipe, train
from empirics.training.descent import Descent, Task, descend
from empirics.training.stack.members import WAYS, has_stacked_layers
from empirics.training.stack.size import Division, divide
from empirics.training.stack.weights import draw_stacked
from tests.bounds import UNIT_ROUNDOFF, gamma
from tests.empirics.naive import equal, member, train_alone

NETWORKS = {
    "FCN": (lambda φ: FCN(30, 3, 16, activation=φ), (30,)),
    "residual FCN": (lambda φ: FCN(30, 5, 16, residual=True, bias=True, activation=φ), (30,)),
    "CNN": (lambda φ: CNN(1, 3, 4, 3, activation=φ), (1, 8, 8)),
    "CNN with biases": (lambda φ: CNN(2, 3, 9, 5, bias=True, activation=φ), (2, 8, 7)),
    "circular CNN": (lambda φ: CNN(1, 2, 4, 3, padding_mode="circular", activation=φ), (1, 8, 8)),
    "LCN": (lambda φ: LCN(1, 8, kernel_size=3), (1, 8, 8)),
}


def uniform(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def taken(task: Task, weights: dict[str, Tensor]) -> Descent:
    """A descent, at its end."""
    descent = Descent.start(weights)
    descend(task, descent, lambda step, losses: None)
    return descent


def layers(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | LCN)]


def magnitudes(network: nn.Module, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The gradient with every number replaced by its absolute value, so that nothing cancels.

    An entry of a gradient is a sum of products of weights, inputs and errors. In whatever order it is computed it is
    off by at most γ_N times the sum of their absolute values (Higham 2002, section 3.5, layer by layer), N the
    roundings that a number can pass one after the other. Relu does not enlarge.
    """
    bold = copy.deepcopy(network).to(torch.float64)
    with torch.no_grad():
        for parameter in bold.parameters():
            parameter.abs_()
    outputs = bold(inputs.abs().to(torch.float64))
    errors = 2 / targets.numel() * (outputs.detach() + targets.abs())
    (outputs * errors).sum().backward()
    return {name: parameter.grad for name, parameter in bold.named_parameters()}


def relative_rounding(network: nn.Module, inputs: Tensor, precision: str) -> float:
    """How far off a gradient may be, as a share of its magnitude."""
    u = UNIT_ROUNDOFF["float64" if precision == "float64" else "float32"]
    in_sums = 0
    for layer in layers(network):
        outputs, *fan_in = layer.weight.shape[-4 if layer.weight.ndim > 2 else -2 :]
        taps = torch.Size(fan_in[1:]).numel()
        in_sums += torch.Size(fan_in).numel() + outputs * taps + 10  # there and back; bias, activation, skip
    in_sums += inputs.shape[0] * inputs.shape[2:].numel() + 10  # the weight's own sum, and the loss
    # In bfloat16 the two factors of a product and its result are rounded once more: three products a layer.
    coarse = 3 * 3 * len(layers(network)) if precision == "bfloat16" else 0
    return (1 + gamma(in_sums, u)) * (1 + 2.0**-8) ** coarse - 1


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "float64", "tf32", "bfloat16"])
def test_one_step_is_that_of_the_member_alone_to_rounding(name: str, precision: str) -> None:
    make, shape = NETWORKS[name]
    # Coarse numbers would put a unit on the other side of relu's corner.
    make_model = lambda: make("linear" if precision == "bfloat16" else "relu")  # noqa: E731
    recipe = Recipe(lr=0.01, steps=1, precision=precision, decay_at=())
    network = make_model().to(recipe.dtype)
    x = uniform(2, *shape, dtype=recipe.dtype)
    weights = draw_stacked(network, "kaiming_normal", range(3), recipe.dtype)
    # torch's own arithmetic for the reference; on a CPU "tf32" is float32.
    plain = replace(recipe, precision="float64" if precision == "float64" else "float32")
    for way in WAYS:
        if way in ("layered", "unfolded") and (precision == "bfloat16" or not has_stacked_layers(network)):
            continue
        some = {key: value[:1] for key, value in weights.items()} if way == "alone" else weights
        ended = taken(Task(network, x, x, recipe, way), some)
        for index in range(len(ended.losses)):
            start = member(weights, index)
            expected, _ = train_alone(make_model, start, x, x, plain)
            network.load_state_dict(start)
            magnitude = magnitudes(network, x, x)
            relative = relative_rounding(network, x, precision)
            for key, value in expected.items():
                apart = (value - ended.weights[key][index]).abs().to(torch.float64)
                update = 2 * UNIT_ROUNDOFF[plain.precision] * (start[key].abs() + recipe.lr * magnitude[key])
                # Both runs round, the reference in its own precision.
                assert bool((apart <= 2 * recipe.lr * relative * magnitude[key] + update).all())
                assert not torch.equal(value, start[key])


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ["FCN", "residual FCN", "CNN", "CNN with biases"])
def test_stacked_layers_give_a_member_the_same_bits_in_any_company(name: str, precision: str) -> None:
    make, shape = NETWORKS[name]
    recipe = Recipe(lr=0.05, steps=40, precision=precision)
    network = make("relu").to(recipe.dtype)
    x = uniform(1, *shape, dtype=recipe.dtype)
    weights = draw_stacked(network, "default", range(7), recipe.dtype)
    task = Task(network, x, x, recipe, "layered")
    whole = taken(task, weights)
    for members in (slice(0, 1), slice(2, 4), slice(4, 7)):
        part = taken(task, {key: value[members] for key, value in weights.items()})
        assert equal(part.weights, {key: value[members] for key, value in whole.weights.items()})
        assert torch.equal(part.losses, whole.losses[members])


def hessian(network: nn.Module, x: Tensor) -> Tensor:
    """Of the loss of reproducing x, in all parameters, laid out as `parameters_to_vector` does."""
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}

    def loss(vector: Tensor) -> Tensor:
        parts = vector.split([shape.numel() for shape in shapes.values()])
        weights = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        return nn.functional.mse_loss(torch.func.functional_call(network, weights, x), x)

    at = nn.utils.parameters_to_vector(network.parameters()).detach()
    return torch.autograd.functional.hessian(loss, at)


def before_activations(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What each layer outputs."""
    seen: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda _, __, out: seen.append(out.detach())) for layer in layers(network)]
    network(x)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    ("make_model", "shape"),
    [
        (lambda: FCN(8, 1), (8,)),
        (lambda: CNN(1, 1, kernel_size=3), (1, 8, 8)),
        (lambda: FCN(6, 3, 5, bias=True, activation="leaky_relu"), (6,)),
        (lambda: FCN(6, 4, 4, residual=True, activation="leaky_relu"), (6,)),
        (lambda: CNN(1, 3, 2, 3, activation="leaky_relu"), (1, 5, 5)),
    ],
    ids=["linear layer", "convolution", "FCN", "residual FCN", "CNN"],
)
def test_a_whole_run_on_one_image_is_that_of_the_member_alone(make_model, shape: tuple) -> None:
    """A difference between two runs passes through a step as I − η H does it, H the loss's Hessian there.

    What both round in step s has thus grown to at most ‖∏_{t > s} (I − η H_t)‖ times that at the end. What this leaves
    out is of the order of the differences' squares, 10⁻²⁸, where no unit passes relu's corner.
    """
    x = uniform(1, *shape)
    recipe = Recipe(lr=0.05, momentum=0.0, decay_at=(0.5,), steps=40, precision="float64", scheme="kaiming_normal")
    ensemble = train(make_model, x, recipe=recipe, seeds=range(2), snapshots=range(recipe.steps))
    assert ensemble.division.way == "layered"
    network, u = make_model().to(torch.float64), UNIT_ROUNDOFF["float64"]
    relative = relative_rounding(network, x, "float64")
    rates = [recipe.lr * recipe.gamma ** (step >= recipe.steps // 2) for step in range(recipe.steps)]
    for index in range(2):
        alone, _ = train_alone(make_model, member(ensemble.initial_weights, index), x, x, recipe)
        bound, nearest, passed_on = 0.0, math.inf, None
        for step, rate in reversed(list(enumerate(rates))):
            network.load_state_dict(member(ensemble.snapshots[step], index))
            *hidden, _ = before_activations(network, x)
            nearest = min([nearest, *(float(values.abs().min()) for values in hidden)])
            size = nn.utils.parameters_to_vector(network.parameters()).detach().norm()
            magnitude = torch.cat([values.flatten() for values in magnitudes(network, x, x).values()]).norm()
            in_this_step = 2 * rate * relative * float(magnitude) + 2 * u * float(size + rate * magnitude)
            curvature = rate * hessian(network, x)
            identity = torch.eye(len(curvature), dtype=torch.float64)
            passed_on = identity if passed_on is None else passed_on
            bound += float(torch.linalg.matrix_norm(passed_on, 2)) * in_this_step
            passed_on = passed_on @ (identity - curvature)
        together = member(ensemble.weights, index)
        apart = sum(float((alone[name] - together[name]).square().sum()) for name in alone) ** 0.5
        assert apart <= bound
        assert nearest > 1e3 * bound  # inputs and weights are of order one: no unit is near its corner
        assert all(not torch.equal(alone[name], ensemble.initial_weights[name][index]) for name in alone)


def test_stacks_are_divided_evenly_and_recorded(tmp_path) -> None:
    x = uniform(1, 1, 28, 28)
    division = divide(CNN(1, 3, 8), 64, x, Recipe(precision="float64"))
    assert sum(division.sizes) == 64
    assert max(division.sizes) - min(division.sizes) <= 1
    assert [member for some in division.stacks for member in some] == list(range(64))
    ensemble = train(lambda: CNN(1, 1), x, recipe=Recipe(steps=1), seeds=range(3))
    ensemble.save(tmp_path)
    assert type(ensemble).load(tmp_path).division == ensemble.division == Division("layered", (3,))
    assert str(Division("layered", (3, 2, 2))) == "1 × 3 + 2 × 2 layered"


@pytest.mark.parametrize(
    ("make_model", "shape", "members", "precision", "way"),
    [
        (lambda: FCN(30, 2, 16), (1, 30), 1, "float32", "alone"),
        (lambda: FCN(30, 2, 16), (1, 30), 2, "float32", "layered"),
        (lambda: FCN(784, 2, 2048), (1, 784), 2, "float32", "layered"),
        (lambda: CNN(1, 3, 8), (1, 1, 8, 8), 1, "float64", "alone"),
        (lambda: CNN(1, 3, 8), (1, 1, 8, 8), 2, "float64", "layered"),
        (lambda: CNN(1, 3, 128), (1, 1, 8, 8), 2, "float32", "alone"),
        (lambda: CNN(1, 2, 8, padding=1, stride=2), (1, 1, 9, 9), 2, "float64", "mapped"),
        (lambda: LCN(1, 8), (1, 1, 8, 8), 2, "float32", "mapped"),
        (lambda: LCN(1, 8), (1, 1, 8, 8), 1, "float32", "alone"),
        (lambda: FCN(30, 2, 16), (1, 30), 2, "bfloat16", "mapped"),
    ],
)
def test_the_way_is_chosen_by_size(make_model, shape: tuple, members: int, precision: str, way: str) -> None:
    recipe = Recipe(precision=precision)
    assert divide(make_model(), members, uniform(*shape, dtype=recipe.dtype), recipe).way == way

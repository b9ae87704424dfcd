"""Linearized networks against the whole Jacobian, step by step, and against the theory of one layer."""

import copy
import math
import re

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import nn

import theory
from numerics import UndecidedRankError
from tests.theory.tangent import naive
from theory.tangent import linearization, linearize

# Both sides round sums of up to 10⁴ products of numbers of order one, through a few layers and 60 steps.
NEAR = 1e-11


def residual(*layers: nn.Module) -> nn.Module:
    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    return Residual(*layers)


def half_frozen() -> nn.Module:
    module = nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 4))
    module[0].weight.requires_grad_(False)
    return module


def in_place_first() -> nn.Module:
    return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 4, bias=False))


# Module, shape of the training inputs, shape of new ones: more outputs than parameters, and fewer; several inputs.
NETWORKS = {
    "one layer": (lambda: nn.Conv2d(1, 1, 3, padding=1, bias=False), (2, 1, 5, 5), (3, 1, 7, 6)),
    "fully connected": (lambda: nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 4)), (3, 6), (4, 6)),
    "convolutional": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"), nn.Tanh(), nn.Conv2d(4, 1, (3, 1), padding="same")
        ),
        (2, 1, 4, 5), (2, 1, 6, 6),
    ),
    "skips": (
        lambda: residual(nn.Conv2d(2, 2, 3, padding=1), nn.ELU(), nn.Conv2d(2, 2, 1)), (1, 2, 4, 4), (2, 2, 4, 4),
    ),
    "frozen first layer": (half_frozen, (2, 6), (3, 6)),
    "in place": (in_place_first, (3, 6), (3, 6)),
}  # fmt: skip


@pytest.fixture(params=["decomposition", "gram", "gram without J"])
def way(request, monkeypatch):
    """All ways to find the modes, on problems so small that one would do."""
    if request.param != "decomposition":
        monkeypatch.setattr(linearization, "DECOMPOSED", 0)
    if request.param == "gram without J":
        monkeypatch.setattr(linearization, "DENSE", 0)
    return request.param


def problem(name):
    make, shape, new = NETWORKS[name]
    torch.manual_seed(1)
    module = make().double()
    x, asked = torch.rand(shape, dtype=torch.float64), torch.rand(new, dtype=torch.float64)
    with torch.no_grad():
        targets = torch.rand_like(module(x.clone()))
        missing = (targets - module(x.clone())).flatten().numpy()
    return module, x, targets, missing, asked


@pytest.mark.parametrize("name", NETWORKS)
def test_after_any_number_of_steps_it_is_where_descent_on_the_whole_jacobian_is(name, way):
    module, x, targets, missing, asked = problem(name)
    found = linearize(module, x, targets)
    assert found.method == way.partition(" ")[0]
    J = naive.jacobian(module, x)
    np.testing.assert_allclose(found.kernel, J @ J.T, rtol=0, atol=NEAR * np.abs(J @ J.T).max())
    assert found.initial_loss == pytest.approx(np.mean(missing**2), rel=NEAR)
    largest = np.linalg.norm(J, 2)
    assert found.max_stable_lr(0.9) == pytest.approx(1.9 * missing.size / largest**2, rel=NEAR)
    settings = {"lr": 0.8 * found.max_stable_lr(), "momentum": 0.5, "milestones": (20, 40), "gamma": 0.3}
    lr = settings.pop("lr")
    for steps in (0, 1, 60):
        expected = naive.descend(J, missing, lr=lr, steps=steps, **settings)
        after = found.after(steps=steps, optimizer=theory.GradientDescent(lr, **settings))
        assert after.steps == steps
        assert after.loss == pytest.approx(expected.loss, rel=1e-9, abs=NEAR)
        with torch.no_grad():
            before = module(asked.clone())
        change = torch.from_numpy(naive.jacobian(module, asked) @ expected.moved).reshape(before.shape)
        torch.testing.assert_close(after(asked), before + change, rtol=0, atol=NEAR)
        flat = torch.cat(
            [(after.weights[n] - p.detach()).flatten() for n, p in module.named_parameters() if p.requires_grad]
        )
        np.testing.assert_allclose(flat.numpy(), expected.moved, rtol=0, atol=NEAR)
        if steps:
            off = (naive.outputs_at(module, asked, expected.moved) - before - change).flatten(1).norm(dim=1)
            # The difference of nearly equal numbers, over a change that may be small itself.
            atol = 1e-13 / float(change.flatten(1).norm(dim=1).min())
            torch.testing.assert_close(after.doubt(asked), off / change.flatten(1).norm(dim=1), rtol=1e-6, atol=atol)
        else:
            assert not after.doubt(asked).any()


@pytest.mark.parametrize("name", NETWORKS)
def test_in_the_limit_nothing_is_missing_that_the_jacobian_can_supply(name, way):
    module, x, targets, missing, asked = problem(name)
    J = naive.jacobian(module, x)
    # The limit from δ = 0 is the pseudoinverse's; what it divides by is known to κ², without a decomposition of J.
    values = np.linalg.svd(J, compute_uv=False)
    kept = values > 1e-6 * values[0]
    moved = np.linalg.pinv(J, rcond=1e-6) @ missing
    near = NEAR * (values[0] / values[kept][-1]) ** 2
    found = linearize(module, x, targets)
    assert found.rank == kept.sum()
    after = found.after()
    assert after.steps == math.inf
    with torch.no_grad():
        expected = module(asked.clone())
    expected = expected + torch.from_numpy(naive.jacobian(module, asked) @ moved).reshape(expected.shape)
    torch.testing.assert_close(after(asked), expected, rtol=0, atol=near)
    assert after.loss == pytest.approx(np.mean((J @ moved - missing) ** 2), abs=near)


def test_at_a_given_loss_it_is_on_gradient_flows_way(way):
    module, x, targets, missing, _ = problem("convolutional")
    J = naive.jacobian(module, x)
    found = linearize(module, x, targets)
    for share in (0.999, 0.5, 0.02):
        at = found.at_loss(share * found.initial_loss)
        assert at.steps is None
        left = expm(-2 / missing.size * at.time * J @ J.T) @ missing
        assert np.mean(left**2) == pytest.approx(share * found.initial_loss, rel=1e-9)
        assert at.loss == pytest.approx(share * found.initial_loss, rel=1e-9)
        with torch.no_grad():
            before = module(x.clone())
        torch.testing.assert_close(at(x), targets - torch.from_numpy(left).reshape(before.shape), rtol=0, atol=1e-9)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("make", [lambda b: nn.Linear(8, 8, bias=b), lambda b: nn.Conv2d(2, 2, 3, padding=1, bias=b)])
def test_of_a_network_that_is_linear_in_its_weights_it_is_exact(make, bias):
    torch.manual_seed(2)
    layer = make(bias).double()
    x = torch.rand((3, 8) if isinstance(layer, nn.Linear) else (2, 2, 5, 5), dtype=torch.float64)
    asked = torch.rand((4, 8) if isinstance(layer, nn.Linear) else (4, 2, 9, 4), dtype=torch.float64)
    found = linearize(layer, x)
    network, initial = theory.from_torch(layer)
    assert found.max_stable_lr(0.7) == pytest.approx(theory.max_stable_lr(network, x, momentum=0.7), rel=1e-12)
    descent = theory.GradientDescent(0.05, momentum=0.9, milestones=(30,))
    for steps in (7, 100, math.inf):
        predicted = theory.gradient_descent(network, x, initial=initial, steps=steps, optimizer=descent)
        after = found.after(steps=steps, optimizer=descent)
        torch.testing.assert_close(after(asked), predicted(asked), rtol=0, atol=NEAR)
        torch.testing.assert_close(after.weights["weight"], predicted.weight, rtol=0, atol=NEAR)
        assert float(after.doubt(asked).max()) < NEAR


def test_many_seeds_at_once_are_each_seed_by_itself():
    module, x, targets, _, asked = problem("fully connected")
    weights = {name: torch.randn(3, *value.shape).double() for name, value in module.named_parameters()}
    together = linearize(module, x, targets, weights=weights)
    descent = theory.GradientDescent(0.02, momentum=0.3)
    after, at = together.after(steps=9, optimizer=descent), together.at_loss(0.3 * together.initial_loss.min())
    assert after(asked).shape == (3, 4, 4)
    for seed in range(3):
        alone = copy.deepcopy(module)
        alone.load_state_dict({name: value[seed] for name, value in weights.items()})
        one = linearize(alone, x, targets)
        assert together.rank[seed] == one.rank
        np.testing.assert_array_equal(together.spectrum[seed], one.spectrum)
        np.testing.assert_array_equal(together.kernel[seed], one.kernel)
        assert together.max_stable_lr()[seed] == one.max_stable_lr()
        single = one.after(steps=9, optimizer=descent)
        torch.testing.assert_close(after(asked)[seed], single(asked), rtol=0, atol=NEAR)
        torch.testing.assert_close(after.doubt(asked)[seed], single.doubt(asked), rtol=0, atol=1e-9)
        assert after.loss[seed] == pytest.approx(single.loss, rel=1e-12)
        then = one.at_loss(0.3 * together.initial_loss.min())
        assert at.time[seed] == pytest.approx(then.time, rel=1e-9)


def test_nothing_of_the_callers_is_changed_and_answers_are_of_the_inputs_kind():
    module, x, targets, _, asked = problem("in place")
    single = copy.deepcopy(module).float()
    held = {name: value.clone() for name, value in single.state_dict().items()}
    given = [(x - 0.5).float().numpy(), targets.float().numpy(), (asked - 0.5).numpy()]
    copies = [array.copy() for array in given]
    after = linearize(single, given[0], given[1]).after(steps=3, optimizer=theory.GradientDescent(0.1))
    answered, doubt = after(given[2]), after.doubt(given[2])
    assert answered.dtype == doubt.dtype == after.weights["1.weight"].dtype == np.float32
    assert all(np.array_equal(array, before) for array, before in zip(given, copies, strict=True))
    assert all(
        torch.equal(value, held[name]) and value.dtype == torch.float32 for name, value in single.state_dict().items()
    )
    assert linearize(single, torch.arange(6).reshape(1, 6), targets[:1]).after(
        steps=1, optimizer=theory.GradientDescent(0.1)
    )(asked).dtype == torch.float64  # fmt: skip


def test_a_rank_that_rounding_leaves_open_is_refused_in_the_limit_only():
    """Two inputs 3e-16 apart: whether they are one, rounding cannot tell."""
    layer = nn.Linear(2, 1, bias=False).double()
    x = torch.tensor([[1.0, 0.0], [1.0, 3e-16]]).double()
    found = linearize(layer, x, torch.tensor([[0.0], [1.0]]).double())
    if found.rank == 2:
        with pytest.raises(UndecidedRankError):
            found.after()
    found.after(steps=5, optimizer=theory.GradientDescent(0.1))


class Counting(nn.Linear):
    def __init__(self):
        super().__init__(6, 6)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


X = np.random.default_rng(0).random((3, 6))
LINEAR = nn.Linear(6, 6)
DESCENT = theory.GradientDescent(0.1)


class TwoOutputs(nn.Linear):
    def forward(self, x):
        return super().forward(x), x


REFUSED = {
    "no module": (lambda: linearize(lambda x: x, X), TypeError, "model must be a torch.nn.Module, got function"),
    "no numbers": (lambda: linearize(LINEAR, [[1.0]]), TypeError, "inputs must be a NumPy or torch array, got list"),
    "no batch": (lambda: linearize(LINEAR, X[0]), ValueError, r"must have a batch axis, \(n, ...\), got shape \(6,\)"),
    "empty": (lambda: linearize(LINEAR, X[:0]), ValueError, "inputs must not be empty"),
    "nan": (lambda: linearize(LINEAR, X * np.nan), ValueError, "inputs must be finite"),
    "complex": (lambda: linearize(LINEAR, X + 0j), TypeError, "inputs must hold integers or real"),
    "another size": (lambda: linearize(LINEAR, X[:, :5]), ValueError, r"inputs of shape \(3, 5\) do not fit the model"),
    "no targets": (lambda: linearize(nn.Linear(6, 2), X), ValueError, r"targets must be given: \(3, 2\), got \(3, 6\)"),
    "targets of another shape": (lambda: linearize(LINEAR, X, X[:2]), ValueError, "targets must have the shape"),
    "mixed kinds": (lambda: linearize(LINEAR, X, torch.from_numpy(X)), TypeError, "arrays of one kind"),
    "nothing to train": (lambda: linearize(nn.ReLU(), X), ValueError, "must have parameters that training moves"),
    "random": (lambda: linearize(nn.Sequential(LINEAR, nn.Dropout(0.5)), X), ValueError, "answer the same twice"),
    "batch statistics": (
        lambda: linearize(nn.Sequential(LINEAR, nn.BatchNorm1d(6)), X), ValueError, "must not change what it holds",
    ),
    "looks at the batch": (
        lambda: linearize(nn.Sequential(LINEAR, nn.BatchNorm1d(6, track_running_stats=False)), X),
        ValueError,
        "do not fit|answer each input by itself",
    ),
    "counts its calls": (lambda: linearize(Counting(), X), ValueError, "must not change what it holds"),
    "two outputs": (lambda: linearize(TwoOutputs(6, 6), X), ValueError, "must output one tensor.*got tuple"),
    "weights of no kind": (lambda: linearize(LINEAR, X, weights=3), TypeError, "weights must be a mapping"),
    "weights of other names": (lambda: linearize(LINEAR, X, weights={"weight": X}), ValueError, "must name.* weight,"),
    "weights of another shape": (
        lambda: linearize(LINEAR, X, weights={"weight": np.ones((2, 6, 5)), "bias": np.ones((2, 6))}),
        ValueError, r"weights\['weight'\] must have shape \(seeds, \*\(6, 6\)\), got \(2, 6, 5\)",
    ),
    "unequal seeds": (
        lambda: linearize(LINEAR, X, weights={"weight": np.ones((2, 6, 6)), "bias": np.ones((3, 6))}),
        ValueError, "equally many seeds",
    ),
    "steps without an optimizer": (lambda: linearize(LINEAR, X).after(steps=3), ValueError, "optimizer must be given"),
    "a trajectory": (lambda: linearize(LINEAR, X).after(steps=[1, 2], optimizer=DESCENT), TypeError, "one"),
    "negative steps": (lambda: linearize(LINEAR, X).after(steps=-1, optimizer=DESCENT), ValueError, "steps"),
    "another optimizer": (lambda: linearize(LINEAR, X).after(steps=1, optimizer=0.1), TypeError, "got float"),
    "unstable": (
        lambda: linearize(LINEAR, X).after(optimizer=theory.GradientDescent(1e3)), ValueError, "to be stable",
    ),
    "outgrown": (
        lambda: linearize(LINEAR, X).after(steps=9999, optimizer=theory.GradientDescent(1e3)), OverflowError, "unst",
    ),
    "a loss above the first": (lambda: linearize(LINEAR, X).at_loss(1e9), ValueError, "a loss on the way,"),
    "a loss of zero": (lambda: linearize(LINEAR, X).at_loss(0.0), ValueError, "a loss on the way,"),
    "no loss": (lambda: linearize(LINEAR, X).at_loss("0.1"), TypeError, "value must be a real number"),
    "ask with nan": (lambda: linearize(LINEAR, X).after()(X * np.nan), ValueError, "inputs must be finite"),
    "ask another size": (lambda: linearize(LINEAR, X).after()(X[:, :4]), ValueError, "do not fit the network"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_one_sentence(case):
    call, error, words = REFUSED[case]
    with pytest.raises(error, match=words) as caught:
        call()
    assert not re.search(r"\n", str(caught.value))


def test_predictions_beyond_the_inputs_dtype_are_an_overflow():
    layer = nn.Linear(1, 1, bias=False)
    with pytest.raises(OverflowError, match="beyond the range of float16"):
        linearize(layer, np.float16([[1.0]]), np.float16([[6e4]])).after()(np.float16([[60.0]]))

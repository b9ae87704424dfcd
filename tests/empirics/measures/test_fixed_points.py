"""Fixed points are those of maps for which they are known, and those attract that small changes come back to."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor, nn

from empirics import FCN, Recipe, attractors, images, jacobian_spectrum, train
from tests.empirics.naive import linear

U = 2.0**-53
EXACTNESS = math.sqrt(2 * U)  # the tolerance by default, √ε in float64


def jordan(eigenvalue: float, size: int) -> Tensor:
    """A Jordan block, the map whose eigenvalue is the most sensitive."""
    return eigenvalue * torch.eye(size).double() + torch.diag(torch.ones(size - 1).double(), 1)


def rotation(angle: float, by: float) -> Tensor:
    """A plane turned, and stretched."""
    turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return by * torch.tensor(turn, dtype=torch.float64)


def comes_back(model: nn.Module, point: Tensor, steps: int) -> bool:
    """Whether orbits from around a fixed point end nearer to it than they began: loops, no derivative."""
    rng = np.random.default_rng(0)
    away = 1e-3 * float(point.norm())
    for _ in range(20):
        direction = torch.from_numpy(rng.normal(size=point.shape)).to(point)
        x = point + away * direction / direction.norm()
        with torch.no_grad():
            for _ in range(steps):
                x = model(x[None])[0]
        if not float((x - point).norm()) < away / 2:
            return False
    return True


CENTRE = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("matrix", "radius", "verdict"),
    [
        (torch.diag(torch.tensor([0.5, -0.3, 0.1])).double(), 0.5, "attracts"),
        (torch.block_diag(rotation(1.0, 0.9), torch.tensor([[0.5]]).double()), 0.9, "attracts"),
        (jordan(0.9, 3), 0.9, "attracts"),
        (torch.zeros(3, 3).double(), 0.0, "attracts"),
        (jordan(0.0, 3), 0.0, "attracts"),
        (torch.diag(torch.tensor([0.5, -1.5, 0.1])).double(), 1.5, "repels"),
        (torch.diag(torch.tensor([-1.0, 2.0, 3.0])).double(), 3.0, "repels"),
        (torch.block_diag(rotation(1.0, 1.1), torch.tensor([[0.5]]).double()), 1.1, "repels"),
        (jordan(1.1, 3), 1.1, "repels"),
        (torch.block_diag(rotation(1.0, 1.0), torch.tensor([[0.5]]).double()), 1.0, "undecided"),
        (torch.diag(torch.tensor([0.5, -1.0, 0.1])).double(), 1.0, "undecided"),
    ],
)
def test_a_fixed_point_of_an_affine_map_attracts_where_its_radius_is_below_one(matrix, radius, verdict) -> None:
    model = linear(matrix, CENTRE - matrix @ CENTRE)
    found = attractors(model, CENTRE + 1e-9 * torch.eye(3).double(), 0)  # at rest, not at the fixed point
    assert found.which.tolist() == [0, 0, 0]
    assert found.undecided.tolist() == [verdict == "undecided"]
    assert found.attracting.tolist() == [verdict == "attracts"]
    assert found.attracted.tolist() == 3 * [verdict == "attracts"]
    assert found.attractors.shape == (int(verdict == "attracts"), 3)
    # An affine map's first step of Newton is exact but for rounding, which (I − M)⁻¹ magnifies; b is rounded too.
    inverse = torch.linalg.inv(torch.eye(3).double() - matrix)
    rounding = 16 * U * float(inverse.norm() * (1 + matrix.norm()) * CENTRE.norm())
    assert (found.fixed_points[0] - CENTRE).norm() <= rounding
    # A triple eigenvalue moves by the cube root of the rounding of M, 3ε‖M‖.
    assert abs(float(found.radii[0]) - radius) <= (6 * U * float(matrix.norm())) ** (1 / 3)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("gap", "decided"), [(1e-6, False), (1e-4, True)])
def test_rounding_decides_nothing_near_radius_one(sign: int, gap: float, decided: bool) -> None:
    """It moves a triple eigenvalue by the cube root of 10⁻¹⁵: further than one of the gaps, less far than the other."""
    found = attractors(linear(jordan(1 + sign * gap, 3)), torch.zeros(3).double())
    assert found.undecided.tolist() == [not decided]
    assert found.attracting.tolist() == [decided and sign < 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_slow_contraction_has_one_attractor_where_no_orbit_has_arrived(dtype: torch.dtype) -> None:
    """A step of x ↦ 0.9999x is 10⁻⁴ of what is left: orbits rest, by the tolerance, far from where they lead."""
    starts = torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=dtype)
    found = attractors(linear(0.9999 * torch.eye(2, dtype=dtype)), starts, tolerance=3e-4)
    assert torch.equal(found.points, starts)
    assert found.which.tolist() == [0, 0]
    assert found.attracting.tolist() == [True]
    assert found.attractors.norm() <= 3e-4 * math.sqrt(5)
    # In a contraction of rate q the fixed point is within ‖f(x) − x‖/(1 − q), here just there; 1 − q is rounded.
    bound = found.residuals * starts.norm(dim=1) / (1 - 0.9999)
    assert (found.distances <= bound * (1 + 4 * torch.finfo(dtype).eps / 1e-4)).all()
    assert found.distances == pytest.approx(math.sqrt(5), rel=2 * 3e-4)


def test_a_fixed_point_that_repels_is_no_attractor_even_where_an_orbit_starts_on_it() -> None:
    found = attractors(linear(torch.diag(torch.tensor([1.0, 2.0, 3.0]))), torch.tensor([1.0, 0.0, 0.0]))
    assert found.fixed.tolist() == [True]
    assert found.fixed_points.tolist() == [[1, 0, 0]]
    assert found.radii.tolist() == [3]
    assert (found.attracting.tolist(), found.undecided.tolist()) == ([False], [False])
    assert found.attractors.shape == (0, 3)
    assert found.attracted.tolist() == [False]


@pytest.mark.parametrize("gain", [1 - 1e-6, 1 + 1e-6])
def test_kinks_do_not_pass_for_attractors(gain: float) -> None:
    """For x ↦ gain·relu(x) torch's derivative at 0 is 0, whatever becomes of x > 0."""
    model = FCN(2, 2, 2).double()
    with torch.no_grad():
        model.layers[0].weight.copy_(gain * torch.eye(2).double())
        model.layers[1].weight.copy_(torch.eye(2))
    found = attractors(model, torch.tensor([1.0, 2.0]), 0, tolerance=1e-5)
    assert found.fixed_points.norm() <= 1e-5 * math.sqrt(5)
    assert found.radii.tolist() == pytest.approx([gain], rel=16 * U)
    assert found.attracting.tolist() == [gain < 1]


class Map(nn.Module):
    """A map written down, as a network."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function, self.precision = function, nn.Parameter(torch.zeros(1).double())

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def test_orbits_that_rest_without_a_fixed_point_are_at_none() -> None:
    """The map x ↦ x + √(1 + x²)/1000 grows by little, and has no fixed point."""
    found = attractors(Map(lambda x: x + torch.sqrt(1 + x**2) / 1000), torch.tensor([[50.0]]), 0, tolerance=2e-3)
    assert (found.which.tolist(), found.distances.isnan().tolist()) == ([-1], [True])
    assert found.fixed_points.shape == (0, 1)


def test_a_fixed_point_further_than_the_first_step_allows_is_not_the_orbits() -> None:
    """From 100 the orbit grows, and Newton's method goes down a kinked slope: to 99, and on to 89.1, which repels."""

    def creep(x: Tensor) -> Tensor:
        return x + 1e-3 * (0.01 * (x - 89.1) + 0.99 * torch.relu(x - 99.1))

    found = attractors(Map(creep), torch.tensor([[100.0], [90.0]]), 0, tolerance=1e-4)
    assert found.which.tolist() == [-1, 0]
    assert found.fixed_points.item() == pytest.approx(89.1, rel=1e-4)  # the tolerance that was asked for
    assert (found.attracting.tolist(), found.undecided.tolist()) == ([False], [False])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_trained_images_attract_where_their_neighbourhood_comes_back(activation: str) -> None:
    """An autoencoder that has learned three digits: all are fixed points; ReLU's attract, and with tanh some repel."""
    digits = images("digits", count=3, size=10).as_float().reshape(3, -1)
    recipe = Recipe("adam", lr=1e-3, steps=1000, scheme="xavier_uniform")
    ensemble = train(lambda: FCN(100, 6, 48, bias=True, activation=activation), digits, recipe=recipe, progress=False)
    model = ensemble.member(0).double()
    # Where the end of an orbit is as near as ‖f(x) − x‖ = miss, training left that.
    miss = max(attractors(model, digits, 0).residuals.tolist())
    found = attractors(model, digits, 0, tolerance=1.01 * miss)
    assert found.which.tolist() == [0, 1, 2]
    assert not found.undecided.any()
    exact = attractors(model, found.fixed_points, 0)
    assert exact.distances.max() <= 1.01 * miss * np.linalg.norm(digits, axis=1).max()
    for point, radius, attracts in zip(exact.fixed_points, exact.radii, exact.attracting, strict=True):
        assert abs(float(jacobian_spectrum(model, point).radius) - float(radius)) <= 1e-3 * radius
        # Until the slowest mode has fallen, or grown, 10⁶-fold: from 10⁻³ that is seen either way.
        steps = math.ceil(math.log(1e6) / abs(math.log(radius)))
        assert comes_back(model, point, steps) == bool(attracts)
    assert found.attracting.all() == (activation == "relu")


def test_an_affine_contraction_has_one_attractor() -> None:
    matrix = torch.tensor([[0.5, 0.2], [-0.1, 0.3]], dtype=torch.float64)
    bias = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = attractors(linear(matrix, bias), torch.tensor([[0.0, 0.0], [9.0, -9.0], [1.0, 3.0]]).double())
    truth = torch.linalg.solve(torch.eye(2).double() - matrix, bias)
    assert found.fixed.tolist() == [True, True, True]
    assert found.which.tolist() == [0, 0, 0]
    assert found.attractors.shape == (1, 2)
    # x − f(x) = (I − M)(x − x*): the distance is at most the residual times ‖(I − M)⁻¹‖.
    stretch = torch.linalg.matrix_norm(torch.linalg.inv(torch.eye(2).double() - matrix), 2)
    for point, residual in zip(found.points, found.residuals, strict=True):
        assert (point - truth).norm() <= 1.01 * stretch * residual * point.norm() + 8 * U * truth.norm()


def test_a_map_with_four_attractors_leads_to_each_from_its_quadrant() -> None:
    """tanh(3x) in either coordinate: ±x* attract, and 0 repels."""
    model = FCN(2, 2, 2, activation="tanh").double()
    with torch.no_grad():
        model.layers[0].weight.copy_(3 * torch.eye(2))
        model.layers[1].weight.copy_(torch.eye(2))
    starts = torch.tensor([[0.1, 0.2], [-2.0, 0.1], [0.5, 3.0], [-1.0, -1.0], [0.3, -0.1], [0.0, 0.0]]).double()
    found = attractors(model, starts)
    star = optimize.brentq(lambda x: math.tanh(3 * x) - x, 0.5, 1.5)
    assert found.which.tolist() == [0, 1, 0, 2, 3, 4]
    expected = star * torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1], [0, 0]])
    # Near ±x* the map contracts by q = 3(1 − x*²) < 0.1: distance ≤ residual/(1 − q), and brentq's own 2e-12.
    assert (found.fixed_points - expected).abs().max() <= 2 * EXACTNESS + 2e-12
    assert found.attracting.tolist() == [True, True, True, True, False]
    assert torch.equal(found.attractors, found.fixed_points[:4])
    assert found.radii[:4].max() < 0.1
    assert found.radii[4] == pytest.approx(3, rel=16 * U)


def test_cycles_and_orbits_that_leave_are_not_fixed() -> None:
    start = torch.tensor([1.0, 2.0])
    cycle = attractors(linear(-torch.eye(2)), start, 50)
    assert (cycle.fixed.tolist(), cycle.which.tolist(), cycle.residuals.tolist()) == ([False], [-1], [2.0])
    leaves = attractors(linear(2 * torch.eye(2)), start)
    assert leaves.fixed.tolist() == [False]
    assert leaves.residuals.isnan().all()
    assert leaves.fixed_points.shape == leaves.attractors.shape == (0, 2)


def test_what_vanishes_has_come_to_zero() -> None:
    found = attractors(linear(0.5 * torch.eye(2)), torch.tensor([[1.0, 2.0], [0.0, 0.0]]))
    assert found.points.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert found.which.tolist() == [0, 0]


def test_no_iterations_look_at_the_images_themselves() -> None:
    start = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    found = attractors(linear(0.5 * torch.eye(2)), start, 0)
    assert torch.equal(found.points, start)
    assert found.residuals.tolist() == [0.5, 0.0]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_identity_has_a_fixed_point_an_image_and_no_attractor(scale: float) -> None:
    found = attractors(linear(torch.eye(2)), scale * torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]))
    assert found.which.tolist() == [0, 1, 0]
    assert found.undecided.tolist() == [True, True]
    assert found.attractors.shape == (0, 2)


@pytest.mark.parametrize("bias", [False, True])
def test_training_makes_the_image_a_fixed_point(bias: bool) -> None:
    """An attractor with biases; without, all its multiples rest as well, and the fixed point where they lead is 0."""
    image = np.random.default_rng(0).uniform(size=(1, 16))
    recipe = Recipe("adam", lr=1e-3, steps=400, precision="float64")
    ensemble = train(lambda: FCN(16, 3, 64, bias=bias), image, recipe=recipe, progress=False)
    network = ensemble.member(0)
    # ‖f(x̂) − x̂‖/‖x̂‖: by what was not learned the image itself moves, and every multiple of it.
    miss = math.sqrt(16 * float(ensemble.history.losses[0, -1])) / np.linalg.norm(image)
    spectrum = jacobian_spectrum(network, image)
    orbits = attractors(network, np.vstack([image, 2 * image]), 500, tolerance=1.01 * miss)
    assert orbits.fixed.all()
    assert orbits.which.tolist() == [0, 0]
    if bias:
        assert orbits.attracting.all()
        assert spectrum.norm < 1
    else:
        assert orbits.fixed_points.norm() <= 1.01 * miss * np.linalg.norm(2 * image)
        # J x = f(x): in the direction of x it stretches by ‖f(x)‖/‖x‖, which what was not learned keeps from 1.
        assert spectrum.norm >= 1 - miss - float(spectrum.norm_residual)


def test_an_orbit_that_left_the_numbers_is_at_no_fixed_point() -> None:
    """Infinity is where x ↦ 2x stays, while the other orbit goes on."""
    model = FCN(1, 1).to(torch.float64)
    with torch.no_grad():
        model.layers[0].weight.fill_(2.0)
    found = attractors(model, torch.tensor([[1.0], [1e-300]], dtype=torch.float64), iterations=1100)
    assert found.points[0].isinf()
    assert found.residuals[0].isnan()
    assert found.residuals[1] == 1
    assert found.fixed.tolist() == [False, False]
    assert found.which.tolist() == [-1, -1]


def ray(dtype: torch.dtype) -> nn.Module:
    """X ↦ (a·x) a with |a| = 1: all multiples of a are fixed points, to rounding."""
    a = torch.tensor([0.6, 0.8, 0.0], dtype=dtype)
    return linear(torch.outer(a, a))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_a_line_of_fixed_points_the_nearest_is_taken(dtype: torch.dtype) -> None:
    eps = torch.finfo(dtype).eps
    a = torch.tensor([0.6, 0.8, 0.0], dtype=dtype)
    off = torch.tensor([0.0, 0.0, math.sqrt(eps) / 2], dtype=dtype)
    found = attractors(ray(dtype), torch.stack([a, 2 * a, a + off, -a]), 0)
    assert found.which.tolist() == [0, 1, 0, 2]
    assert (found.fixed_points - torch.stack([a, 2 * a, -a])).abs().max() <= 8 * eps
    assert found.undecided.tolist() == [True] * 3
    # Nothing is a fixed point where everything drifts along the line, however slowly.
    drift = attractors(linear(torch.eye(3).to(dtype), math.sqrt(eps) / 4 * a), a, 0)
    assert drift.which.tolist() == [-1]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_network_without_biases_has_its_training_image_for_a_fixed_point(precision: str) -> None:
    image = images("digits", count=1, size=7).as_float().reshape(1, -1)
    recipe = Recipe("adam", lr=1e-3, steps=3000, precision=precision, decay_at=(0.5, 0.75), scheme="xavier_uniform")
    trained = train(lambda: FCN(49, 3, 64), image, recipe=recipe, progress=False)
    model, x = trained.member(0), torch.from_numpy(image).to(recipe.dtype)
    found = attractors(model, x, 0)
    rounding = 49 * torch.finfo(recipe.dtype).eps
    if found.residuals[0] > rounding:
        pytest.fail(f"it was to learn the image to rounding, and left {found.residuals[0]:.0e}")
    assert found.fixed.tolist() == [True]
    assert found.distances[0] <= 2 * rounding * x.norm()
    assert found.undecided.tolist() == [True]


def test_zero_is_no_attractor_where_a_network_without_biases_grows() -> None:
    """There torch's derivative is 0."""
    doubles = attractors(Map(lambda x: 2 * torch.relu(x)), torch.tensor([[-1.0]]))
    assert (doubles.fixed_points.tolist(), doubles.radii.tolist()) == ([[0.0]], [0.0])
    assert (doubles.attracting.tolist(), doubles.undecided.tolist()) == ([False], [True])
    halves = attractors(Map(lambda x: torch.relu(x) / 2), torch.tensor([[-1.0]]))
    assert halves.attracting.tolist() == [True]


@pytest.mark.parametrize(("scale", "dtype"), [(1e20, torch.float32), (1e-25, torch.float32), (1e160, torch.float64)])
def test_attractors_are_told_apart_at_any_scale(scale: float, dtype: torch.dtype) -> None:
    start = torch.tensor([[0.5 * scale], [-0.5 * scale]], dtype=dtype)
    found = attractors(Map(lambda x: scale * torch.tanh(2 * (x / scale))).to(dtype), start)
    assert found.which.tolist() == [0, 1]
    assert found.attracting.tolist() == [True, True]


def test_coarse_numbers_and_broken_derivatives() -> None:
    with pytest.raises(ValueError, match=r"model must be in float32 or float64, got torch\.bfloat16"):
        attractors(linear(torch.eye(2).bfloat16()), torch.ones(2))
    root = attractors(Map(lambda x: torch.sqrt(x.abs())), torch.tensor([[0.0]]))  # its slope at 0 is infinite
    assert (root.attracting.tolist(), root.undecided.tolist()) == ([False], [True])

"""Figures of what theory adds, computed at tiny sizes and held against the plainest way to the same numbers."""

import numpy as np
import pytest

import empirics
from paper_figures.figures.theory import ceiling, dynamics, phase, rank
from paper_figures.specimens import TRAINED_ON, digit, other_digits
from paper_figures.workbench import Workbench
from tests.paper_figures.tiny import TINY
from tests.theory.depth.naive import window_and_mask
from theory import wide

UNIT = 2.0**-53  # unit roundoff of float64


@pytest.fixture(scope="module")
def small_phase():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "SIZE": 6, "DEPTHS": (2, 5), "WEIGHTS": (0.25, 2.0), "BIASES": (0.0, 1e-3, 1e-2), "DEEPEST": 6,
        }.items():  # fmt: skip
            patch.setattr(phase, name, value)
        data = phase.compute(Workbench(TINY))
        return data, phase.draw(data)


def test_phase_is_the_limits_prediction_at_each_depth_and_variance(small_phase):
    data, figure = small_phase
    x_hat, asked = digit(TRAINED_ON, size=6), other_digits(6)[::4]
    assert data.arrays["with_input"].shape == (2, 3, 2)  # depths, variances of biases, of weights
    for (depth, bias, weight), identity in np.ndenumerate(data.arrays["with_input"]):
        network = wide.Convolutional(
            (2, 5)[depth], kernel_size=5, weight_variance=(0.25, 2.0)[weight], bias_variance=(0.0, 1e-3, 1e-2)[bias]
        )
        answers = wide.gradient_flow(network, x_hat).mean(asked)
        expected = np.mean([np.corrcoef(a.ravel(), x.ravel())[0, 1] for a, x in zip(answers, asked, strict=True)])
        constant = np.mean([np.corrcoef(a.ravel(), x_hat.ravel())[0, 1] for a in answers])
        # Two ways to sum 36 products, of the same answers.
        assert abs(identity - expected) <= 36 * 8 * UNIT
        assert abs(data.arrays["with_training_image"][depth, bias, weight] - constant) <= 36 * 8 * UNIT
    assert figure.axes


def test_memorization_begins_where_half_of_the_digits_are_nearer_the_training_image(small_phase):
    arrays, asked, x_hat = small_phase[0].arrays, other_digits(6)[::4], digit(TRAINED_ON, size=6)
    for place, variance in enumerate((1e-3, 1e-2)):
        first = []
        for x in asked:
            depths = [np.inf]
            for depth in range(1, 7):
                network = wide.Convolutional(depth, kernel_size=5, weight_variance=1 / 3, bias_variance=variance)
                (answer,) = wide.gradient_flow(network, x_hat).mean(x[None])
                to_input, to_constant = (np.corrcoef(answer.ravel(), y.ravel())[0, 1] for y in (x, x_hat))
                depths += [depth] * bool(to_constant > to_input)
            first.append(min(depths))
        assert arrays["boundary_by_bias"][list(phase.VARIANTS).index("5×5"), place] == sorted(first)[len(first) // 2]


@pytest.fixture(scope="module")
def small_rank():
    families = {
        "digits": empirics.images("digits").pixels[:2],
        "patterns": empirics.images("patterns", size=9).pixels[:3],
        "photographs": empirics.images("natural").pixels[:1, :1],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank, "KERNELS", (3, 5))
        patch.setattr(rank, "families", lambda: families)
        patch.setattr(rank, "TEACHERS", 4)
        data = rank.compute(Workbench(TINY))
        return families, data, rank.draw(data)


PAD = {  # how NumPy calls what a convolution sees beyond the border; None where it sees nothing
    "zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge", "none": None,
}  # fmt: skip


def patches(image: np.ndarray, kernel: int, padding: str) -> np.ndarray:
    """One row for each place of the kernel."""
    seen = image if PAD[padding] is None else np.pad(image, kernel // 2, mode=PAD[padding])
    height, width = (side - kernel + 1 for side in seen.shape)
    return np.array(
        [seen[i : i + kernel, j : j + kernel].ravel() for i in range(height) for j in range(width)], dtype=float
    )


def test_ranks_and_spectra_are_those_of_the_patches(small_rank):
    families, data, figure = small_rank
    for name, images in families.items():
        for number, image in enumerate(images):
            for place, padding in enumerate(rank.PADDINGS):
                for size, kernel in enumerate((3, 5)):
                    expected = np.linalg.matrix_rank(patches(image[0], kernel, padding))
                    assert data.arrays[f"rank_{name}"][number, place, size] == expected, (name, number, padding, kernel)
            singular = np.linalg.svd(patches(image[0] / 255, 5, "zeros"), compute_uv=False)
            found = data.arrays[f"spectrum_{name}"][number]
            # Each way is within rounding of the matrix: its largest singular value times its columns.
            assert np.abs(found - singular).max() <= 2 * 25 * 2 * UNIT * max(singular[0], 1)
    assert figure.axes


def test_teachers_are_ordered_by_pace_and_never_is_said_of_short_ranks(small_rank):
    _, data, _ = small_rank
    steps, ranks = data.arrays["teachers_steps"], data.arrays["teachers_rank"]
    assert (np.diff(steps[np.isfinite(steps)]) > 0).all()
    np.testing.assert_array_equal(np.isfinite(steps), ranks == 25)
    assert sum(np.isinf(steps)) == 2


@pytest.fixture(scope="module")
def short_dynamics():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamics, "STEPS", 40)
        data = dynamics.compute(Workbench(TINY))
        return data, dynamics.draw(data)


def test_dynamics_are_the_recurrence_of_momentum(short_dynamics):
    """Predicted and measured weights against descent written out, with the learning rate cut at each milestone."""
    data, figure = short_dynamics
    arrays = data.arrays
    matrix, target = patches(digit(TRAINED_ON)[0], 5, "zeros"), digit(TRAINED_ON).ravel()
    assert arrays["milestones"].tolist() == [12, 24, 32]  # 30, 60 and 80 % of 40 steps
    largest = np.linalg.svd(matrix, compute_uv=False)[0] ** 2 * 2 / target.size  # curvature of the mean squared error
    rate = dynamics.SHARE * 2 * (1 + dynamics.MOMENTUM) / largest
    weight, velocity = arrays["measured"][0].ravel().copy(), np.zeros(25)
    for step in range(40):
        now = rate * dynamics.GAMMA ** sum(step >= milestone for milestone in arrays["milestones"])
        velocity = dynamics.MOMENTUM * velocity + 2 / target.size * matrix.T @ (matrix @ weight - target)
        weight = weight - now * velocity
        for name in ("measured", "predicted"):
            # 784 + 25 roundings a step of weights below 1, each damped by momentum 0.9 like those of the figure.
            assert np.abs(arrays[name][step + 1].ravel() - weight).max() <= (step + 1) * 809 * UNIT / 0.1
    assert figure.axes


def test_each_mode_of_dynamics_follows_its_own_recurrence(short_dynamics):
    """What is left of the error along a singular direction depends on that direction's singular value alone."""
    arrays = short_dynamics[0].arrays
    _, singular, right = np.linalg.svd(patches(digit(TRAINED_ON)[0], 5, "zeros"), full_matrices=False)
    curvatures = singular**2 * 2 / 784
    rate = dynamics.SHARE * 2 * (1 + dynamics.MOMENTUM) / curvatures[0]
    delta = np.eye(25)[12]
    initial = right @ (arrays["measured"][0].ravel() - delta)
    for place, mode in enumerate(dynamics.MODES):
        left, velocity = 1.0, 0.0
        # Singular vectors turn by what rounds the matrix over the gap to the next singular value (Davis and Kahan).
        gap = min(abs(curvatures[mode] - other) for n, other in enumerate(curvatures) if n != mode)
        angle = 2 * 809 * UNIT * curvatures[0] / gap
        for step in range(40):
            now = rate * dynamics.GAMMA ** sum(step >= milestone for milestone in arrays["milestones"])
            velocity = dynamics.MOMENTUM * velocity + curvatures[mode] * left
            left -= now * velocity
            # The weights' rounding (see above) of 25 weights, and the turn of a vector that is at most √25 long.
            rounding = ((step + 1) * 809 * UNIT / 0.1 + angle) * 5 / abs(initial[mode])
            for name in ("modes_measured", "modes_predicted"):
                assert abs(arrays[name][step + 1, place] - left) <= 2 * rounding, (mode, step)


@pytest.fixture(scope="module")
def small_ceiling():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DEPTHS": (1, 2, 3), "MOST": 4, "ALONE": (1, 2), "CHANNELS": 2, "STEPS": 3}.items():
            patch.setattr(ceiling, name, value)
        data = ceiling.compute(Workbench(TINY))
        return data.arrays, ceiling.draw(data)


def test_pixels_look_alike_where_windows_and_borders_do(small_ceiling):
    arrays, figure = small_ceiling
    black, x_hat = np.zeros((1, 28, 28)), arrays["x_hat"]
    for place, depth in enumerate((1, 2, 3)):
        seen, known = window_and_mask(black, depth, (5, 5)), window_and_mask(x_hat[None], depth, (5, 5))
        answers = {sight: x_hat[pixel] for pixel, sight in known.items()}
        groups: dict = {}
        for pixel, sight in seen.items():
            groups.setdefault(sight, []).append(pixel)
        nearest = np.empty((28, 28))
        for sight, pixels in groups.items():
            for pixel in pixels:
                assert arrays["alike"][place][pixel] == len(pixels)
                nearest[pixel] = answers.get(sight, np.mean([x_hat[each] for each in pixels]))
        # A mean of up to 784 numbers up to 1, in either order; and a root of one of such squares, or of 0.
        assert np.abs(arrays["nearest"][place] - nearest).max() <= 784 * 2 * UNIT
        distance = np.sqrt(np.mean((nearest - x_hat) ** 2))
        assert abs(arrays["distance_5"][place] - distance) <= 784 * 4 * UNIT / distance
    assert figure.axes


def test_networks_trained_to_be_the_constant_function_are_above_their_own_bounds(small_ceiling):
    arrays, _ = small_ceiling
    assert arrays["trained"].shape == (3, 28, 28)
    for answer, distance in zip(arrays["trained"], arrays["trained_distance"], strict=True):
        assert abs(distance - np.sqrt(np.mean((answer - arrays["x_hat"]) ** 2))) <= 784 * 2 * UNIT
    # Within a class answers in float32 differ by its rounding, of layers with 50 terms at most.
    assert (arrays["trained_distance"] >= arrays["own_distance"] - 3 * 50 * 2.0**-23).all()
    assert arrays["with_alone"].shape == (2, 2)

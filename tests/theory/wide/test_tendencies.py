"""The map of networks by depth: the same numbers as one network at a time, and what moves the boundary."""

import numpy as np
import pytest

from files import embedded_digits
from tests.theory.wide.cases import images, vectors
from theory import wide


@pytest.mark.parametrize("network", [
    wide.Convolutional(1, kernel_size=3, weight_variance=2.0),
    wide.Convolutional(1, kernel_size=3, scheme="xavier_normal", width=9),  # its last layer is unlike the hidden ones
    wide.FullyConnected(1, weight_variance=1.5, bias_variance=0.1),
], ids=["variance", "scheme", "fully connected"])  # fmt: skip
@pytest.mark.parametrize("initial", [False, True])
def test_tendencies_are_those_of_one_network_at_a_time(network, initial):
    if isinstance(network, wide.FullyConnected):
        x_hat, x = vectors(0, 1, 5)[0], vectors(1, 2, 5)
    else:
        x_hat, x = images(0, 1, 2, 4, 3)[0], images(1, 2, 2, 4, 3)
    found = wide.tendencies(network, x_hat, x, depths=(4, 2), initial=initial)
    assert found.depths == (2, 4)
    for row, depth in enumerate(found.depths):
        flow = wide.gradient_flow(type(network)(**{**_settings(network), "depth": depth}), x_hat)
        for values, references in ((found.with_input, x), (found.with_training_image, [x_hat, x_hat])):
            for column, reference in enumerate(references):
                if initial:
                    expected = flow.expected_correlation(x[column], reference)
                else:
                    expected = np.corrcoef(flow.mean(x[column]).ravel(), np.ravel(reference))[0, 1]
                # the same kernels, in another order of additions: the modes kept amplify rounding by λ₁/λ_rank at most
                worst = flow.spectrum[0] / flow.spectrum[flow.rank - 1]
                assert abs(values[row, column] - expected) <= 100 * worst * flow.noise / flow.spectrum[0]
    rounding = 4 * x_hat.size * 2.0**-53  # of the sums of x_hat.size products, on either side
    assert found.rho == pytest.approx([np.corrcoef(each.ravel(), x_hat.ravel())[0, 1] for each in x], abs=rounding)


def test_small_weights_and_biases_make_the_constant_function():
    """What the paper saw: torch's own initialization generalizes at 5 layers and has only x̂ to say at 20."""
    digits = embedded_digits()[:, :, 6:22:2, 6:22:2] / 255  # every second pixel of the middle
    x_hat, x = digits[140], digits[[0, 40, 80, 180]]
    torch_like = wide.tendencies(wide.Convolutional(1, kernel_size=5, scheme="default", bias=True, width=32), x_hat, x)
    kept = wide.tendencies(wide.Convolutional(1, kernel_size=5, scheme="kaiming_normal"), x_hat, x)
    assert np.all(torch_like.boundary <= 20)
    assert np.all(torch_like.with_training_image[-1] > 0.99)
    assert np.all(kept.with_training_image[-1] < torch_like.with_training_image[-1])
    # without a signal that shrinks, and biases to take its place, memory takes over later if at all
    assert np.all(kept.boundary >= torch_like.boundary)


def test_a_digit_by_depth():
    """Torch's variances with 32 channels (f_in = 800), on whole digits: 5 and 10 layers generalize, 20 memorize.

    The numbers are those of the first calculation that this package grew from, to the digits that it gave.
    """
    digits = embedded_digits() / 255
    network = wide.Convolutional(1, kernel_size=5, weight_variance=1 / 3, bias_variance=1 / 2400)
    found = wide.tendencies(network, digits[141], digits[[1, 21, 41, 61]], depths=(5, 10, 20))
    rounding = 0.005
    assert found.with_input.mean(axis=1) == pytest.approx([0.98, 0.90, 0.25], abs=rounding)
    assert found.with_training_image.mean(axis=1) == pytest.approx([0.27, 0.38, 1.00], abs=rounding)
    assert found.rho.mean() == pytest.approx(0.25, abs=rounding)


def test_boundary():
    found = wide.Tendencies(
        depths=(2, 5, 9),
        rho=np.zeros(4),
        with_input=np.array([[0.9, 0.9, 0.1, 0.9], [0.8, 0.9, 0.1, np.nan], [0.7, 0.1, 0.1, 0.9]]),
        with_training_image=np.array([[0.1, 0.2, 0.5, 0.1], [0.1, 0.3, 0.5, 0.1], [0.1, 0.4, 0.5, 0.1]]),
    )
    assert np.array_equal(found.boundary, [np.inf, 9, 2, np.nan], equal_nan=True)


def test_where_both_correlations_are_equal_the_input_is_not_yet_given_up():
    same = np.array([[0.5], [0.5]])
    found = wide.Tendencies(depths=(1, 2), rho=np.zeros(1), with_input=same, with_training_image=same)
    assert found.boundary.tolist() == [np.inf]


def test_residual_networks_are_mapped_from_the_first_layer_on():
    settings = {"weight_variance": 1.5, "kernel_size": 3}
    x_hat, x = images(3, 1, 1, 4, 3)[0], images(4, 2, 1, 4, 3)
    found = wide.tendencies(wide.Convolutional(4, residual=True, **settings), x_hat, x, depths=(3, 6))
    plain = wide.tendencies(wide.Convolutional(1, **settings), x_hat, x, depths=(3, 6))
    assert np.array_equal(found.with_input[0], plain.with_input[0])
    alone = wide.gradient_flow(wide.Convolutional(6, residual=True, **settings), x_hat)
    expected = [np.corrcoef(alone.mean(each).ravel(), each.ravel())[0, 1] for each in x]
    worst = alone.spectrum[0] / alone.spectrum[alone.rank - 1]
    assert np.max(np.abs(found.with_input[1] - expected)) <= 100 * worst * alone.noise / alone.spectrum[0]
    assert np.max(np.abs(found.with_input[1] - plain.with_input[1])) > 1e-3


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"network": "cnn"}, TypeError, "network must be a wide.FullyConnected or wide.Convolutional"),
    ({"depths": ()}, ValueError, "depths must not be empty"),
    ({"depths": (0,)}, ValueError, "depths must be at least 1"),
    ({"x_hat": np.ones((1, 1, 3, 3))}, ValueError, "x_hat must be one input without a batch axis"),
    ({"x": np.ones((1, 1, 3, 4))}, ValueError, "of its size"),
    ({"depths": 3}, TypeError, "depths must be an iterable of integers, got 3"),
    ({"x": np.ones((2, 1, 3, 3), dtype=np.float32)}, TypeError, "one floating dtype"),
    ({"network": wide.FullyConnected(1, weight_variance=1e20), "x_hat": np.ones(2), "x": np.eye(2), "depths": (1, 20)},
     OverflowError, "float64's range"),
    ({"network": wide.FullyConnected(1, weight_variance=1e-20), "x_hat": np.ones(2), "x": np.eye(2), "depths": (1, 20)},
     OverflowError, "float64's range"),
    ({"initial": 1}, TypeError, "initial must be True or False"),
])  # fmt: skip
def test_bad_input_gets_a_sentence(change, error, message):
    given = {
        "network": wide.Convolutional(1, kernel_size=3, weight_variance=2.0),
        "x_hat": np.eye(3)[None],
        "x": np.ones((2, 1, 3, 3)),
        "depths": (1, 2),
        "initial": False,
    } | change
    with pytest.raises(error, match=message):
        wide.tendencies(given["network"], given["x_hat"], given["x"], depths=given["depths"], initial=given["initial"])


def _settings(network) -> dict:
    return {name: value for name, value in vars(network).items() if name != "window"}

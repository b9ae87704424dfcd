"""What gradient flow makes of wide networks: against one-layer descent, against ODEs and samples, and at the edges."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from scipy.linalg import expm

import theory
from tests.theory.wide.cases import images, rounding, vectors
from theory import wide
from theory.wide.layout import as_matrix, as_rows, from_rows

WEDIN = (1 + math.sqrt(5)) / 2  # ‖(A + E)⁺ − A⁺‖ ≤ this · ‖A⁺‖ ‖(A + E)⁺‖ ‖E‖ (Wedin 1973)


def amplified(flow, kernel: np.ndarray, error: np.ndarray) -> float:
    """What `noise` in Θ(X, X), and as much in Θ(x, X), can do to Θ(x, X) Θ(X, X)⁺ · error."""
    least = flow.spectrum[flow.rank - 1]
    across = np.linalg.norm(as_matrix(kernel), 2)
    return (1 + 2 * WEDIN * across / least) * flow.noise / least * np.linalg.norm(error)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect"])
@pytest.mark.parametrize("count", [1, 2])
def test_depth_one_is_the_one_layer_network(bias, mode, count):
    x_hat, x = images(0, count, 2, 4, 5), images(1, 3, 2, 6, 5)
    one = theory.Convolutional(2, kernel_size=3, padding_mode=mode, bias=bias)
    rng = np.random.default_rng(2)
    initial = rng.normal(size=(2, 2, 3, 3))
    start = (initial, rng.normal(size=2)) if bias else initial
    torch_layer = torch.nn.Conv2d(2, 2, 3, padding="same", padding_mode=mode, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        torch_layer.weight.copy_(torch.from_numpy(initial))
        if bias:
            torch_layer.bias.copy_(torch.from_numpy(start[1]))
        before, before_on_x_hat = (torch_layer(torch.from_numpy(a)).numpy() for a in (x, x_hat))
    network = wide.Convolutional(
        1, kernel_size=3, padding_mode=mode, scheme="yann_normal", bias=bias, parameterization="standard"
    )
    flow = wide.gradient_flow(network, x_hat)
    trained = theory.gradient_descent(one, x_hat, initial=start)
    assert flow.rank == trained.rank
    found = flow.prediction(x, initial=before, initial_on_x_hat=before_on_x_hat)
    bound = amplified(flow, network.ntk(x, x_hat), as_rows(x_hat - before_on_x_hat))
    assert np.linalg.norm(found - trained(x)) <= bound


@pytest.mark.parametrize("time", [0.0, 0.3, 40.0])
def test_depth_one_is_the_one_layer_network_at_any_time(time):
    """Descent in steps of lr is the flow but for O(lr): here against the flow of the design matrix's own modes."""
    x_hat, x = vectors(3, 2, 4), vectors(4, 3, 4)
    flow = wide.gradient_flow(
        wide.FullyConnected(1, weight_variance=1.0, parameterization="standard"), x_hat, time=time
    )
    U, values, Vt = np.linalg.svd(x_hat, full_matrices=False)
    learned = -np.expm1(-2 * values**2 * time / x_hat.size)  # N target entries
    expected = x @ Vt.T @ np.diag(learned / values) @ U.T @ x_hat
    assert np.linalg.norm(flow.mean(x) - expected) <= amplified(flow, x @ x_hat.T, x_hat)


@pytest.mark.parametrize("network", [
    wide.FullyConnected(4, activation="erf", weight_variance=1.5, bias_variance=0.1),
    wide.FullyConnected(4, residual=True, weight_variance=1.5),
], ids=["erf", "residual"])  # fmt: skip
def test_mean_and_covariance_solve_the_flow(network):
    """df/dt = −(2/N) Θ (f − T), solved by matrix exponentials for test and training outputs together."""
    x_hat, x, time = vectors(5, 3, 3), vectors(6, 2, 3), 0.7
    flow = wide.gradient_flow(network, x_hat, time=time)
    both = np.concatenate([x_hat, x])
    theta = network.ntk(both, x_hat)
    # of z = (f(x̂), f(x), T): dz/dt = A z
    rate = 2 / x_hat.size * np.block([[-theta, np.zeros((5, 2)), theta], [np.zeros((3, 8))]])
    after = expm(rate * time)
    prior = np.zeros((8, 8))
    prior[:5, :5] = network.nngp(both)
    mean = after @ np.concatenate([np.zeros((5, 3)), x_hat])
    covariance = after @ prior @ after.T
    size = np.linalg.norm(prior) * np.linalg.norm(after, 2) ** 2
    bound = 8 * rounding(network) * np.linalg.norm(rate * time, 2) * size + amplified(flow, theta, x_hat)
    assert np.linalg.norm(flow.mean(both) - mean[:5]) <= bound
    assert np.linalg.norm(flow.covariance(both) - covariance[:5, :5]) <= bound
    assert np.linalg.norm(flow.covariance(x, x_hat) - covariance[3:5, :3]) <= bound
    errors = flow.expected_mse(both, 2 * both)
    expected = np.mean((mean[:5] - 2 * both) ** 2, axis=1) + np.diag(covariance)[:5]
    assert np.max(np.abs(errors - expected)) <= bound * (1 + np.abs(both).max()) ** 2


def test_flow_begins_at_the_prior_and_ends_at_the_targets():
    network = wide.Convolutional(3, kernel_size=3, weight_variance=2.0)
    x_hat, targets = images(7, 2, 2, 3, 4), images(8, 2, 1, 3, 4)
    start, end = wide.gradient_flow(network, x_hat, targets, time=0.0), wide.gradient_flow(network, x_hat, targets)
    assert np.array_equal(start.mean(x_hat), np.zeros_like(targets))
    assert np.array_equal(start.covariance(x_hat), network.nngp(x_hat))
    kernel = network.ntk(x_hat)
    # Images of rank 24: all modes are learned, and no variance is left where there is data.
    assert end.rank == 24
    assert end.unlearned <= (24 * np.finfo(float).eps) ** 2
    bound = amplified(end, kernel, as_rows(targets))
    assert np.linalg.norm(end.mean(x_hat) - targets) <= bound
    left = amplified(end, kernel, np.eye(24)) * np.linalg.norm(as_matrix(network.nngp(x_hat)), 2)
    assert np.linalg.norm(end.covariance(x_hat)) <= 4 * left
    errors = end.expected_mse(x_hat, targets)
    assert np.all(errors >= 0)
    assert np.max(errors) <= 4 * left + bound**2
    late = wide.gradient_flow(
        network, x_hat, targets, time=1e3 * targets.size / end.noise
    )  # every mode kept is learned
    x = images(9, 2, 2, 3, 4)
    assert np.array_equal(late.mean(x), end.mean(x))
    assert np.array_equal(late.covariance(x), end.covariance(x))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("scheme", ["default", "kaiming_normal"])
def test_depth_one_has_the_law_of_the_one_layer_network(scheme, bias):
    """Of one layer the law over initial weights is known without any limit: `initialization_ensemble`."""
    x_hat, x = images(0, 1, 2, 3, 3), images(1, 2, 2, 4, 3)
    one = theory.Convolutional(2, kernel_size=3, bias=bias)
    known = theory.initialization_ensemble(one, x_hat, scheme=scheme)
    network = wide.Convolutional(1, kernel_size=3, scheme=scheme, bias=bias, parameterization="standard")
    flow = wide.gradient_flow(network, x_hat)
    theta, K = as_matrix(network.ntk(x, x_hat)), as_matrix(network.nngp(np.concatenate([x, x[:, :, ::-1]])))
    bound = amplified(flow, theta, as_rows(x_hat))
    assert np.linalg.norm(flow.mean(x) - known.mean(x)) <= bound
    # what an error in B = Θ(x, X) Θ⁺ does to a quadratic form of K in it
    spread = amplified(flow, theta, np.eye(9)) * 2 * np.linalg.norm(K, 2) * (1 + np.linalg.norm(theta @ flow._gain, 2))
    variance = np.stack([np.diag(as_matrix(flow.covariance(each))).reshape(4, 3) for each in x])
    assert np.max(np.abs(variance[:, None] - known.variance(x))) <= spread
    vector = np.random.default_rng(2).normal(size=x.shape)
    product = from_rows(as_matrix(flow.covariance(x)) @ as_rows(vector), (2, 4, 3))
    assert np.linalg.norm(product - known.covariance_product(x, vector)) <= spread * np.linalg.norm(vector)
    errors = known.expected_mse(x)
    assert np.max(np.abs(flow.expected_mse(x) - errors)) <= spread + bound * (
        bound + 2 * np.sqrt(errors.max() * x.size)
    )


def test_outputs_of_another_number_count():
    """Xavier's variance knows the outputs; those of the flow are the targets'."""
    x_hat, x = images(20, 1, 3, 3, 3), images(21, 1, 3, 2, 3)
    flow = wide.gradient_flow(
        wide.Convolutional(1, kernel_size=1, scheme="xavier_normal"), x_hat, x_hat[:, :1], time=0.5
    )
    same = wide.gradient_flow(
        wide.Convolutional(1, kernel_size=1, weight_variance=2 * 3 / (3 + 1)), x_hat, x_hat[:, :1], time=0.5
    )
    assert np.array_equal(flow.mean(x), same.mean(x))
    assert np.array_equal(flow.covariance(x), same.covariance(x))


def test_training_inputs_that_vanish_are_refused():
    with pytest.raises(OverflowError, match="variances leave float64's range"):
        wide.gradient_flow(wide.FullyConnected(200, weight_variance=0.001), vectors(22, 1, 3))


def test_members_are_those_of_the_law():
    """An ensemble drawn from the prior and trained has the law's mean and covariance."""
    network = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)
    x_hat, x = images(9, 1, 1, 2, 3), images(10, 2, 1, 2, 2)
    flow = wide.gradient_flow(network, x_hat, time=3.0)
    prior = as_matrix(np.block([[[[[[network.nngp(x_hat)]]]]]]))
    cross, own = as_matrix(network.nngp(x, x_hat)), as_matrix(network.nngp(x))
    joint = np.block([[prior, cross.T], [cross, own]])
    values, vectors_ = np.linalg.eigh(joint)
    root = vectors_ * np.sqrt(np.maximum(values, 0))
    # The map from initial to trained outputs is affine: its linear part, column by column of the root, is enough.
    on_x_hat, on_x = root[:6].T.reshape(-1, 1, 1, 2, 3), root[6:].T.reshape(-1, 2, 1, 2, 2)
    members = flow.prediction(x, initial=on_x, initial_on_x_hat=on_x_hat) - flow.mean(x)
    assert members.shape == on_x.shape
    rows = members.reshape(len(root), -1)
    found = rows.T @ rows
    bound = 16 * len(root) * np.finfo(float).eps * np.linalg.norm(joint) * (1 + np.linalg.norm(flow._gain)) ** 2
    assert np.linalg.norm(found - as_matrix(flow.covariance(x))) <= bound * np.linalg.norm(joint)


@pytest.mark.parametrize("channels", [1, 3])
def test_expected_correlation_is_that_of_samples(channels):
    network = wide.Convolutional(3, kernel_size=3, weight_variance=2.0)
    x_hat, x = images(11, 1, channels, 3, 3), images(12, 2, channels, 3, 3)
    flow = wide.gradient_flow(network, x_hat, time=5.0)
    found = flow.expected_correlation(x, x_hat[0])
    rng, draws = np.random.default_rng(0), 40_000
    mean = flow.mean(x)
    for image in range(2):
        law = as_matrix(flow.covariance(x[image]))
        values, basis = np.linalg.eigh(law)
        noise = rng.standard_normal((draws, channels, 9)) * np.sqrt(np.maximum(values, 0)) @ basis.T
        outputs = (mean[image].reshape(channels, 9) + noise).reshape(draws, -1)
        outputs = outputs - outputs.mean(axis=1, keepdims=True)
        reference = x_hat[0].reshape(-1) - x_hat[0].mean()
        correlations = outputs @ reference / np.linalg.norm(outputs, axis=1) / np.linalg.norm(reference)
        # 6.5 standard errors: a probability of 1e-10 for the Gaussian mean of 40,000 numbers in [−1, 1]
        assert abs(found[image] - correlations.mean()) <= 6.5 * correlations.std() / math.sqrt(draws)


def test_correlation_of_certain_predictions_is_pearsons():
    network = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)
    x_hat = images(13, 1, 2, 3, 3)
    flow = wide.gradient_flow(network, x_hat)
    other = images(14, 1, 2, 3, 3)[0]
    expected = np.corrcoef(x_hat.ravel(), other.ravel())[0, 1]
    # f(x̂) = x̂ up to the noise in modes, of which a correlation feels at most the relative size
    left = math.sqrt(flow.expected_mse(x_hat)[0] * x_hat.size) / np.linalg.norm(x_hat - x_hat.mean())
    assert abs(flow.expected_correlation(x_hat, other)[0] - expected) <= 4 * left + 1e-12
    assert math.isnan(flow.expected_correlation(x_hat, np.ones_like(other))[0])


def test_pixels_that_see_only_black_stay_out():
    """Their rows of Θ are exactly 0: they need no cut, and their targets, where not black, count as unlearned."""
    x_hat = np.zeros((1, 8, 8))
    x_hat[:, :2, :2] = 0.5
    network = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)  # sees 2 pixels far
    flow = wide.gradient_flow(network, x_hat)
    assert flow.rank == np.linalg.matrix_rank(as_matrix(network.ntk(x_hat)), tol=flow.noise) <= 16
    assert np.count_nonzero(flow.spectrum) <= 16
    answer = flow.mean(x_hat)
    assert np.all(answer[:, 4:] == 0)
    assert np.all(answer[:, :, 4:] == 0)
    white = wide.gradient_flow(network, x_hat, np.ones((1, 8, 8)))
    assert white.unlearned == pytest.approx(1 - white.rank / 64, abs=0.25)
    assert white.unlearned >= 48 / 64
    nothing = wide.gradient_flow(network, np.zeros((1, 8, 8)))
    assert nothing.rank == 0
    assert nothing.unlearned == 0
    assert np.array_equal(nothing.mean(x_hat), np.zeros_like(x_hat))


def test_the_cut_is_where_rounding_begins():
    """Twins among training images halve the rank: eigenvalues that are 0 in truth come out below the noise."""
    network = wide.Convolutional(3, kernel_size=3, weight_variance=2.0)
    x_hat = images(15, 2, 1, 4, 4)
    doubled = np.concatenate([x_hat, x_hat, 3 * x_hat[:1]])
    single, twice = wide.gradient_flow(network, x_hat), wide.gradient_flow(network, doubled)
    assert single.rank == twice.rank == 32  # without biases a multiple is no new direction
    assert np.max(np.abs(twice.spectrum[32:])) <= twice.noise < single.spectrum[31]
    x = images(16, 2, 1, 4, 4)
    bound = amplified(twice, network.ntk(x, doubled), as_rows(doubled))
    assert np.linalg.norm(single.mean(x) - twice.mean(x)) <= bound


def test_memory_of_the_mean_does_not_grow_with_the_batch():
    network = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)
    flow = wide.gradient_flow(network, images(17, 1, 1, 16, 16))

    def peak(n: int) -> int:
        x = images(18, n, 1, 16, 16)
        tracemalloc.start()
        flow.mean(x)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    # Beyond inputs and results in float64, some copies of each, there is nothing per image.
    few, many = peak(20), peak(60)
    assert many - few <= 8 * 40 * 16 * 16 * 8


def test_predictions_keep_the_inputs_batching_and_kind():
    x_hat = torch.from_numpy(images(19, 1, 1, 3, 3)).float()
    flow = wide.gradient_flow(wide.Convolutional(2, kernel_size=3, weight_variance=2.0), x_hat[0])
    assert flow.mean(x_hat[0]).shape == (1, 3, 3)
    assert flow.mean(x_hat).dtype == torch.float32
    assert flow.expected_mse(x_hat[0]).shape == ()
    assert flow.expected_correlation(x_hat, x_hat).shape == (1,)
    assert flow.covariance(x_hat).shape == (1, 1, 3, 3, 3, 3)
    assert flow.prediction(x_hat[0], initial=0 * x_hat, initial_on_x_hat=0 * x_hat).shape == (1, 1, 3, 3)

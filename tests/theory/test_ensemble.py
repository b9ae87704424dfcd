"""The law over initial weights against its naive definition, and against many draws."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import theory
from tests.cases import random_images, seeds
from tests.claims.one_layer import schemes
from theory.schemes import scheme_of

EPS = np.finfo(float).eps
DESCENT = theory.GradientDescent(0.3, momentum=0.5, milestones=(4,))

networks = st.sampled_from(
    [
        theory.FullyConnected(6),
        theory.FullyConnected(6, bias=True),
        theory.Convolutional(2, kernel_size=3, bias=True),
        theory.Convolutional(2, kernel_size=(1, 3), padding_mode="circular"),
        theory.LocallyConnected(2, kernel_size=2),
    ]
)


def problem(network, seed):
    """Training inputs short of rank, and others of the same size."""
    rng = np.random.default_rng(seed)
    if isinstance(network, theory.FullyConnected):
        return rng.random((2, 6)), rng.random((3, 6))
    images = rng.random((1, 2, 4, 5))
    images[:, 1] = images[:, 0]
    return images, rng.random((3, 2, 4, 5))


def affine_map(network, inputs, x, **options):
    """Predictions as a function of the initial parameters, found by asking `gradient_descent` for each unit vector."""
    weight, bias = network.weight_shape(inputs), network.bias_shape(inputs)
    count, biases = math.prod(weight), math.prod(bias) if network.bias else 0

    def predicted(parameters):
        initial = parameters[:count].reshape(weight)
        if network.bias:
            initial = (initial, parameters[count:].reshape(bias))
        return theory.gradient_descent(network, inputs, initial=initial, **options)(x).reshape(-1)

    constant = predicted(np.zeros(count + biases))
    columns = [predicted(unit) - constant for unit in np.eye(count + biases)]
    return constant, np.stack(columns, axis=1), count


def rounding(network, inputs, matrix) -> float:
    """Relative error of products of up to (rows + columns) terms, with a row space known to κ ε, computed twice."""
    values = np.ravel(theory.gradient_descent(network, inputs).spectrum)
    kept = values[values > 1e-12 * values.max()]
    return 2 * sum(matrix.shape) * EPS * (kept.max() / kept.min()) ** 2


@given(networks, seeds)
def test_what_no_initial_weights_can_mend_is_certain(network, seed):
    """The form's constant is the squared distance of the reference from all that f(x) = c + M θ₀ can be."""
    inputs, x = problem(network, seed)
    ensemble = theory.initialization_ensemble(network, inputs, scheme="kaiming_normal")
    constant, matrix, count = affine_map(network, inputs, x)
    reference = random_images(seed + 1, ensemble.mean(x).shape)
    rows = matrix[:, :count].reshape(len(x), -1, count)  # biases start at zero
    offsets = (constant - reference.reshape(-1)).reshape(len(x), -1)
    for law, M, offset in zip(ensemble.mse_law(x, reference), rows, offsets, strict=True):
        left, values, _ = np.linalg.svd(M)
        moved = values > 1e-9 * values[0]
        assert law.rank == np.count_nonzero(moved)
        certain = left[:, law.rank :]
        bound = rounding(network, inputs, matrix) / values[moved][-1] * max(1.0, offset @ offset)
        assert abs(law.constant - np.sum((certain.T @ offset) ** 2) / len(offset)) <= bound


INITIALIZERS = {
    "default": lambda weight: None,  # what a layer does by itself
    "yann_normal": lambda weight: torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5),
    "yann_uniform": lambda weight: torch.nn.init.kaiming_uniform_(weight, nonlinearity="linear"),
    "xavier_normal": torch.nn.init.xavier_normal_,
    "xavier_uniform": torch.nn.init.xavier_uniform_,
    "kaiming_normal": lambda weight: torch.nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "kaiming_uniform": lambda weight: torch.nn.init.kaiming_uniform_(weight, nonlinearity="relu"),
    "orthogonal": torch.nn.init.orthogonal_,
}


@pytest.mark.parametrize(
    "layer", [torch.nn.Linear(300, 200), torch.nn.Linear(200, 300), torch.nn.Conv2d(20, 30, (5, 8))]
)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_schemes_are_those_of_torch(layer, name):
    """The variance of ≥ 20,000 weights, to 7.5 standard errors; of a uniform law, the largest of them too."""
    torch.manual_seed(0)
    network, _ = theory.from_torch(layer)
    scheme = scheme_of(name, network)
    layer.reset_parameters()
    INITIALIZERS[name](layer.weight)
    weight, variance = layer.weight.detach().double(), scheme.weight_variance
    assert weight.numel() >= 20_000
    assert abs(float((weight**2).mean()) / variance - 1) <= 7.5 * math.sqrt(2 / weight.numel())
    if scheme.family == "uniform":
        # The largest of n is below 1 − 20/n of the bound with probability e⁻²⁰.
        assert 1 - 20 / weight.numel() <= float(weight.abs().max()) / math.sqrt(3 * variance) <= 1 + 2.0**-23
    if name == "default":
        bias = float(layer.bias.detach().abs().max()) / math.sqrt(3 * scheme.bias_variance)
        assert 1 - 20 / len(layer.bias) <= bias <= 1 + 2.0**-23
    else:
        assert scheme.bias_variance == 0


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_pixel_of_a_locally_connected_layer_is_initialized_like_a_convolution(name):
    local, shared = (
        scheme_of(name, layer(3, 5, kernel_size=(2, 3), bias=True))
        for layer in (theory.LocallyConnected, theory.Convolutional)
    )
    assert local == shared


@given(networks, schemes, st.booleans(), seeds)
def test_moments_are_those_of_the_affine_map(network, scheme, finite, seed):
    """f(x) = c + M θ₀, so E f = c, Cov f = M Σ₀ Mᵀ and E‖f − ref‖² = ‖c − ref‖² + tr."""
    inputs, x = problem(network, seed)
    options = {"steps": 7, "optimizer": DESCENT} if finite else {}
    ensemble = theory.initialization_ensemble(network, inputs, scheme=scheme, **options)
    constant, matrix, count = affine_map(network, inputs, x, **options)
    variances = np.full(matrix.shape[1], ensemble.scheme.weight_variance)
    variances[count:] = ensemble.scheme.bias_variance
    covariance = matrix * variances @ matrix.T
    shape = ensemble.mean(x).shape
    size = max(1.0, np.abs(constant).max(), np.abs(covariance).max())
    bound = rounding(network, inputs, matrix) * size**2
    assert np.abs(ensemble.mean(x).reshape(-1) - constant).max() <= bound
    assert np.abs(ensemble.variance(x).reshape(-1) - np.diag(covariance)).max() <= bound
    v = np.random.default_rng(seed).standard_normal(shape)
    product = covariance @ v.reshape(-1)
    assert np.abs(ensemble.covariance_product(x, v).reshape(-1) - product).max() <= bound * np.abs(v).sum()
    reference = random_images(seed + 1, shape)
    square = ((constant - reference.reshape(-1)) ** 2 + np.diag(covariance)).reshape(len(x), -1).mean(axis=1)
    assert np.abs(ensemble.expected_mse(x, reference) - square).max() <= bound
    np.testing.assert_array_equal(ensemble.expected_mse(x), ensemble.expected_mse(x, x))


@given(networks, st.sampled_from(["kaiming_normal", "yann_uniform", "default"]), seeds)
def test_variance_of_the_error_is_that_of_the_quadratic_form(network, scheme, seed):
    """Var(θᵀBθ + 2bᵀθ) for independent entries, from the definition: all fourth moments summed."""
    inputs, x = problem(network, seed)
    ensemble = theory.initialization_ensemble(network, inputs, scheme=scheme)
    constant, matrix, count = affine_map(network, inputs, x)
    variances = np.full(matrix.shape[1], ensemble.scheme.weight_variance)
    variances[count:] = ensemble.scheme.bias_variance
    kurtosis = 3.0 if "normal" in scheme else 1.8  # E z⁴ of a standardized entry
    rows = matrix.reshape(len(x), -1, matrix.shape[1]) * np.sqrt(variances)
    offsets = (constant - x.reshape(-1)).reshape(len(x), -1)
    for image in range(len(x)):
        B, b = rows[image].T @ rows[image], rows[image].T @ offsets[image]
        off = B - np.diag(np.diag(B))
        expected = 2 * np.sum(off**2) + (kurtosis - 1) * np.sum(np.diag(B) ** 2) + 4 * b @ b
        found = ensemble.mse_variance(x)[image]
        bound = rounding(network, inputs, matrix) * max(1.0, expected) * np.abs(matrix).max() ** 4
        assert abs(found - expected / offsets.shape[1] ** 2) <= bound
        if "normal" in scheme:
            assert abs(ensemble.mse_law(x)[image].variance - found) <= bound
            assert abs(ensemble.mse_law(x)[image].mean - ensemble.expected_mse(x)[image]) <= bound


@pytest.mark.parametrize("network", [theory.FullyConnected(6), theory.Convolutional(2, kernel_size=3, bias=True)])
@pytest.mark.parametrize("scheme", ["kaiming_normal", "xavier_uniform", "orthogonal", "default"])
def test_samples_follow_the_moments(network, scheme):
    """Standardized means of 20,000 draws: Gaussian ones are beyond 7.5 standard errors once in 1e13."""
    inputs, x = problem(network, 0)
    ensemble = theory.initialization_ensemble(network, inputs, scheme=scheme)
    draws = ensemble.sample(x, 20_000, seed=1)
    assert draws.shape == (20_000, *ensemble.mean(x).shape)
    error = np.sqrt(ensemble.variance(x) / len(draws))
    assert (np.abs(draws.mean(axis=0) - ensemble.mean(x)) <= 7.5 * error + 1e3 * EPS).all()
    squared = (draws - ensemble.mean(x)) ** 2
    spread = np.sqrt(squared.var(axis=0) / len(draws))
    assert (np.abs(squared.mean(axis=0) - ensemble.variance(x)) <= 7.5 * spread + 1e3 * EPS).all()
    np.testing.assert_array_equal(draws[:3], ensemble.sample(x, 20_000, seed=1)[:3])


def test_quantiles_and_cdf_are_inverse_and_batched_as_the_input():
    network = theory.Convolutional(2, kernel_size=3)
    inputs, x = problem(network, 0)
    ensemble = theory.initialization_ensemble(network, inputs, scheme="yann_normal")
    median = ensemble.mse_quantile(0.5, x)
    assert median.shape == (3,)
    assert ensemble.mse_quantile(0.5, x[0]).shape == ()
    # The promised accuracy of the quadratic form's probabilities, twice used.
    assert abs(float(ensemble.mse_cdf(float(median[0]), x[0])) - 0.5) <= 2e-10
    assert (ensemble.mse_quantile(0.05, x) < median).all()


def test_the_identity_without_padding_is_the_centre_crop():
    network = theory.Convolutional(2, kernel_size=(3, 5), padding="valid")
    inputs, x = random_images(0, (2, 6, 7)), random_images(1, (3, 2, 8, 7))
    ensemble = theory.initialization_ensemble(network, inputs, scheme="yann_normal")
    crop = x[:, :, 1:-1, 2:-2]
    np.testing.assert_array_equal(ensemble.expected_mse(x), ensemble.expected_mse(x, crop))
    np.testing.assert_array_equal(ensemble.mse_quantile(0.3, x), ensemble.mse_quantile(0.3, x, crop))


def test_small_deviations_are_random_all_the_same():
    """Untrained, two pixels of moduli 1 and 1e-12, each seen by two units: weights v |pixel|²/4, v = 2/2."""
    pixels = np.array([[[1.0, 0.0]], [[0.0, 1e-12]]])
    ensemble = theory.initialization_ensemble(
        theory.Convolutional(2, kernel_size=1), pixels, scheme="kaiming_normal", steps=0, optimizer=DESCENT
    )
    (law,) = ensemble.mse_law(pixels, np.zeros_like(pixels))
    assert np.abs(np.sort(law.weights) / [0.25e-24, 0.25e-24, 0.25, 0.25] - 1).max() <= 16 * EPS
    assert law.constant == 0


@pytest.mark.parametrize("p", [1e-12, 1e-3, 0.4])
@pytest.mark.parametrize("upper", [False, True])
def test_error_of_a_fully_connected_network_is_a_noncentral_chi_square(p, upper):
    """One example: f(x) − x = (R − I) y with y = Π_⊥ x, so that d/(v ‖y‖²) MSE is χ²(d, 1/v), v the entries' variance.

    Against the Poisson mixture of χ²(d + 2j), where P(χ²(2m) > t) = e^{−t/2} Σ_{i<m} (t/2)ⁱ/i!.
    """
    d, v = 6, 2 / 6
    x_hat, x = random_images(0, (2, d))
    y = theory.decompose(x, x_hat)[1]

    def probability(error):
        half, mean = error * d / (v * float(y @ y)) / 2, mpmath.mpf(1) / v / 2
        powers = [half**i / mpmath.factorial(i) for i in range(400)]
        terms = (powers[: d // 2 + j] if upper else powers[d // 2 + j :] for j in range(200))
        mixed = mpmath.fsum(mean**j / mpmath.factorial(j) * mpmath.fsum(part) for j, part in enumerate(terms))
        return mpmath.exp(-half - mean) * mixed

    ensemble = theory.initialization_ensemble(theory.FullyConnected(d), x_hat, scheme="kaiming_normal")
    error = ensemble.mse_law(x)[0].quantile(p, upper=upper)
    with mpmath.workdps(50):
        # The promised accuracy of a quantile: the probabilities about it are on either side of p.
        around = [probability(mpmath.mpf(error) * (1 + sign * mpmath.mpf(1e-10))) for sign in (-1, 1)]
    assert min(around) < p < max(around)
    assert upper or float(ensemble.mse_quantile(p, x)) == error


@pytest.mark.parametrize(
    "network",
    [
        theory.FullyConnected(6, bias=True),
        theory.Convolutional(2, kernel_size=3, bias=True),
        theory.LocallyConnected(2, kernel_size=2),
    ],
)
def test_one_input_is_a_batch_of_one(network):
    inputs, x = problem(network, 0)
    ensemble = theory.initialization_ensemble(network, inputs, scheme="kaiming_normal")
    reference = random_images(1, x.shape)
    for method, more in (
        (ensemble.mean, ()),
        (ensemble.variance, ()),
        (lambda x: ensemble.sample(x, 4, seed=0)[0], ()),
        (ensemble.covariance_product, (reference,)),
        (ensemble.expected_mse, (reference,)),
        (ensemble.mse_variance, (reference,)),
        (lambda *x: ensemble.mse_quantile(0.4, *x), (reference,)),
        (lambda *x: ensemble.mse_cdf(0.2, *x), (reference,)),
    ):
        alone, batch = method(x[0], *(v[0] for v in more)), method(x[:1], *(v[:1] for v in more))
        assert alone.shape == batch.shape[1:]
        np.testing.assert_array_equal(alone, batch[0])


def test_full_rank_leaves_no_chance():
    network = theory.Convolutional(1, kernel_size=3)
    ensemble = theory.initialization_ensemble(network, random_images(0, (1, 6, 6)), scheme="kaiming_normal")
    x = random_images(1, (2, 1, 8, 8))
    assert ensemble.variance(x).max() <= 1e6 * EPS**2
    assert ensemble.mse_quantile(1 - 1e-9, x).max() <= 1e6 * EPS**2
    assert [law.rank for law in ensemble.mse_law(x)] == [0, 0]
    vectors = random_images(2, (2, 6))
    ensemble = theory.initialization_ensemble(theory.FullyConnected(6), vectors, scheme="kaiming_normal")
    assert [law.rank for law in ensemble.mse_law(vectors)] == [0, 0]


@pytest.mark.parametrize("targets", [None, np.full((1, 6, 6), 0.5)])
def test_a_black_image_is_predicted_black_by_all(targets):
    """f(0) = 0 without a bias: its error is certain, and a law of no spread is a point mass."""
    network = theory.Convolutional(1, kernel_size=3)
    ensemble = theory.initialization_ensemble(network, random_images(0, (1, 6, 6)), targets, scheme="yann_normal")
    black = np.zeros((2, 1, 6, 6))
    for reference, error in ((None, 0.0), (np.full_like(black, 0.5), 0.25)):
        (law, _) = ensemble.mse_law(black, reference)
        assert (law.rank, law.mean) == (0, error)
        assert ensemble.mse_quantile(0.3, black, reference).tolist() == [error, error]
        assert ensemble.mse_cdf(error, black, reference).tolist() == [1, 1]
        assert ensemble.mse_cdf(np.nextafter(error, -1), black, reference).tolist() == [0, 0]
        assert ensemble.mse_variance(black, reference).tolist() == [0, 0]


@pytest.mark.parametrize("steps", [np.int64(3), np.array(3), torch.tensor(3)])
def test_one_number_of_steps_may_be_any_integer(steps):
    network, inputs = theory.FullyConnected(3), random_images(0, (2, 3))
    mine, expected = (
        theory.initialization_ensemble(network, inputs, scheme="default", steps=number, optimizer=DESCENT).mean(inputs)
        for number in (steps, 3)
    )
    np.testing.assert_array_equal(mine, expected)


def test_integers_have_no_floating_dtype():
    network, inputs = theory.FullyConnected(4), np.ones((2, 4), np.float32)
    ensemble = theory.initialization_ensemble(network, inputs, scheme="kaiming_normal")
    whole = np.arange(8).reshape(2, 4)
    for x, reference in ((whole, whole), (whole.astype(np.float32), whole), (whole, whole.astype(np.float32))):
        np.testing.assert_array_equal(ensemble.expected_mse(x, reference), ensemble.expected_mse(whole))
        np.testing.assert_array_equal(ensemble.mse_quantile(0.4, x, reference), ensemble.mse_quantile(0.4, whole))


def test_torch_in_torch_out():
    network = theory.FullyConnected(4)
    inputs = torch.rand(2, 4)
    ensemble = theory.initialization_ensemble(network, inputs, scheme="kaiming_normal")
    for value in (
        ensemble.mean(inputs),
        ensemble.variance(inputs),
        ensemble.expected_mse(inputs),
        ensemble.mse_quantile(0.5, inputs),
        ensemble.sample(inputs, 3, seed=0),
    ):
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float32


ENSEMBLE = theory.initialization_ensemble(theory.FullyConnected(3), np.ones((1, 3)), scheme="default")
ORTHOGONAL = theory.initialization_ensemble(theory.FullyConnected(3), np.ones((1, 3)), scheme="orthogonal")
GAUSSIAN = theory.initialization_ensemble(theory.FullyConnected(3), np.ones((1, 3)), scheme="yann_normal")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: theory.initialization_ensemble(theory.FullyConnected(3), np.ones((1, 3)), scheme="zeros"),
            ValueError,
            "scheme must be one of default, yann_normal",
        ),
        (
            lambda: theory.initialization_ensemble(
                theory.FullyConnected(3), np.ones((1, 3)), scheme="default", steps=[1, 2], optimizer=DESCENT
            ),
            ValueError,
            "steps must be one number of steps",
        ),
        (lambda: ENSEMBLE.mse_quantile(0.5, np.ones(3)), ValueError, "Gaussian initial weights only"),
        (lambda: ORTHOGONAL.mse_cdf(0.5, np.ones(3)), ValueError, "Gaussian initial weights only, not for orthogonal"),
        (lambda: ORTHOGONAL.mse_variance(np.ones(3)), ValueError, "mse_variance needs independent initial weights"),
        (lambda: ENSEMBLE.mean(np.ones(4)), ValueError, "x must have 3 features|inputs must have 3 features"),
        (lambda: ENSEMBLE.covariance_product(np.ones(3), np.ones(4)), ValueError, "v must have the shape"),
        (lambda: ENSEMBLE.expected_mse(np.ones(3), np.ones((1, 3))), ValueError, "reference must have the shape"),
        (lambda: ENSEMBLE.expected_mse(np.ones(3), np.ones(3, np.float32)), TypeError, "one floating dtype"),
        (lambda: ENSEMBLE.expected_mse(np.ones(3), torch.ones(3)), TypeError, "x and reference must be .* one kind"),
        (lambda: ENSEMBLE.sample(np.ones(3), 0, seed=0), ValueError, "n must be at least 1"),
        (lambda: ENSEMBLE.sample(np.ones(3), 1, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: GAUSSIAN.mse_quantile(1.5, np.ones(3)), ValueError, "q must"),
        (lambda: GAUSSIAN.mse_cdf(math.nan, np.ones(3)), ValueError, "value must be finite"),
        (lambda: GAUSSIAN.mse_cdf(np.ones(2), np.ones(3)), TypeError, "value must be a real number"),
        (lambda: GAUSSIAN.mse_quantile(np.ones(2), np.ones(3)), TypeError, "q must be a real number"),
    ],
)
def test_bad_input_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("moment", ["variance", "expected_mse", "mse_variance"])
def test_moments_beyond_the_dtype_are_refused(moment):
    inputs = random_images(0, (1, 6, 6))
    ensemble = theory.initialization_ensemble(theory.Convolutional(1, kernel_size=7), inputs, scheme="xavier_normal")
    with pytest.raises(OverflowError, match="results for x, or for this reference, are beyond the range of float64"):
        getattr(ensemble, moment)(random_images(1, (1, 6, 6)) * 1e170)


@pytest.mark.parametrize(
    ("network", "variance"),
    [
        (theory.FullyConnected(1, 3), 2 / (1 + 3)),
        (theory.Convolutional(2, 5, kernel_size=3), 2 / (18 + 45)),
        (theory.LocallyConnected(2, 5, kernel_size=(1, 3)), 2 / (6 + 15)),
    ],
)
@pytest.mark.parametrize("family", ["normal", "uniform"])
def test_xavier_variance_counts_outputs_as_well_as_inputs(network, variance, family):
    assert scheme_of(f"xavier_{family}", network).weight_variance == variance

"""Deep convolutional networks of real width: what holds for any weights, activation, width and training.

The networks are trained in float64 for a few steps, so that they are neither random nor done: the statements are
about all networks alike. What rounding can do to their outputs is bounded layer by layer (`tests.running_error`).
"""

from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
import pyarrow.parquet
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import empirics
import paper_figures
from empirics.networks.activations import ACTIVATIONS
from empirics.networks.initialization import SCHEMES
from empirics.sweeps.images import chosen
from empirics.sweeps.spec import Run
from files import embedded_digits
from tests.cases import either_sign, padding_modes, plain_images, seeds, windows
from tests.claims.deep_networks import LEARNED, digits_of_class, others
from tests.running_error import outputs_and_bound
from tests.theory.depth.constant_network import constant_network
from theory.depth import ceiling, least_depth, pixel_classes
from verification import claim

X_CLASSES = claim(
    "X.classes",
    statement="Output pixels of a convolutional network, of one image or of several, whose windows hold the same and "
    "leave the image alike, are equal: at any depth, for any weights, biases, activation and channels.",
    source="ours, theorem 1 of theory.depth.classes",
)
X_CEILING = claim(
    "X.ceiling",
    statement="No convolutional network that reproduces its training image answers another image with anything more "
    "like the training image than the closed-form ceiling of its depth and kernel, however it was trained.",
    source="ours, theorem in theory.depth.admissible",
)
X_LEAST_DEPTH = claim(
    "X.least-depth",
    statement="The constant function needs the depth at which every pixel's place is known from the image's borders, 8 "
    "layers of 5×5 or 15 of 3×3 for 28×28 pixels: at that depth a network is written down, with less none can be.",
    source="ours, theorem in theory.depth.reach; the pattern that grows from the borders: Zhang et al. 2020, abstract",
)
X_BORDER = claim(
    "X.border",
    statement="Padding with anything but zeros (circular, reflect, replicate), or without biases, no network is the "
    "constant function: a flat image is answered with a flat one, or black with black.",
    source="ours, theorem 1 of theory.depth.classes",
)
X_SHIFT = claim(
    "X.shift",
    statement="With circular padding a network that reproduces an image reproduces every shift of it; a linear one of "
    "one channel is the identity, at any depth, if the image's spectrum has no zero.",
    source="ours, proved beside the test",
)

optimizers = st.sampled_from([("sgd", 0.05), ("adam", 0.01), ("rmsprop", 0.003), ("adagrad", 0.03)])
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@dataclass(frozen=True)
class Trained:
    """A convolutional network of any kind the house has, trained a little.

    Attributes:
        depth: of its convolutions.
        activation: between them.
        scheme: of its initial weights.
        bias: whether it has biases.
        optimizer: and its learning rate.
        seed: of its initial weights.
    """

    depth: int
    activation: str
    scheme: str
    bias: bool
    optimizer: tuple[str, float]
    seed: int

    def on(self, images: np.ndarray, kernel, targets: np.ndarray | None = None, *, steps: int = 5, **settings):
        """The network after training on images (n, C, H, W), as a function to outputs and rounding bounds."""
        name, lr = self.optimizer
        out = images.shape[1] if targets is None else targets.shape[1]
        ensemble = empirics.train(
            lambda: empirics.CNN(
                images.shape[1], self.depth, 3, kernel, out_channels=out, activation=self.activation, bias=self.bias,
                **settings,
            ),
            images, targets,
            recipe=empirics.Recipe(
                optimizer=name, lr=lr, steps=steps, decay_at=(), scheme=self.scheme, precision="float64"
            ),
            seeds=(self.seed,),
            progress=False,
        )  # fmt: skip
        assume(ensemble.diverged == (None,))
        network = ensemble.member(0)
        return lambda x: outputs_and_bound(network.layers, self.activation, ACTIVATIONS[self.activation], x)


networks = st.builds(
    Trained,
    depth=st.integers(1, 4),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    scheme=st.sampled_from(sorted(SCHEMES)),
    bias=st.booleans(),
    optimizer=optimizers,
    seed=st.integers(0, 1000),
)


def repeating(shape):
    """Images in which much is alike."""
    return arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.0, 1.0, -0.5]), fill=st.just(0.0))


@X_CLASSES
@given(case=windows(kind=repeating, max_size=6), network=networks)
def test_pixels_that_see_the_same_are_answered_alike(case, network, ledger):
    try:
        classes = pixel_classes(case.images, network.depth, case.kernel, **case.settings)
    except ValueError:  # no pixel is left after so many layers
        assume(False)
    targets = np.random.default_rng(network.seed).normal(size=(len(classes), 2, *classes.shape[1:]))
    outputs, bound = network.on(case.images, case.kernel, targets, **case.settings)(case.images)
    first = np.unique(classes, return_index=True)[1]
    outputs, bound = (np.moveaxis(kind, 1, -1).reshape(classes.size, -1) for kind in (outputs, bound))
    like = first[classes.ravel()]
    ledger.agree(np.abs(outputs - outputs[like]), bound + bound[like], activation=network.activation)


@st.composite
def tasks(draw):
    """An image to learn, images to ask that are like it in part, and a kernel that sees its own pixel."""
    shape = draw(st.tuples(st.integers(1, 2), st.integers(3, 7), st.integers(3, 7)))
    x_hat = draw(st.one_of(repeating(shape), plain_images(shape)))
    asked = np.stack([x_hat, np.zeros(shape), draw(repeating(shape))])
    asked[2, :, :, : draw(st.integers(0, shape[2]))] = 0
    return x_hat, asked, draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))


@X_CEILING
@given(task=tasks(), network=networks, mode=padding_modes)
def test_no_network_is_above_its_own_ceiling(task, network, mode, ledger):
    """It holds for any answer to the training image, so that training need not be done."""
    x_hat, asked, kernel = task
    answer = network.on(x_hat[None], kernel, padding_mode=mode)
    (answers,), _ = answer(x_hat[None])
    vanishing = not network.bias and network.activation not in ("sigmoid", "softplus")
    settings = {"padding_mode": mode, "bias": not vanishing}
    found = ceiling(asked, x_hat, network.depth, kernel, answers=answers, **settings)
    check_below(ledger, *answer(asked), x_hat, found)


def check_below(ledger, outputs, bound, x_hat, found) -> None:
    """Compare correlations with their ceilings.

    Outputs are within twice their rounding bound of admissible ones, whose classes have the first pixel's answer; and
    the correlations of images that are e apart differ by 2 ‖e‖/‖centred image‖ at most, on either side. Means,
    squares and sums over the entries are computed to `entries` roundings, relative to the largest number.
    """
    entries = x_hat.size
    for image, error, most, least in zip(
        outputs, bound, found.with_training_image, found.mse_to_training_image, strict=True
    ):
        sums = entries * 2.0**-50 * (np.abs(image).max() + np.abs(x_hat).max())
        off = np.sqrt(entries) * (2 * error.max() + sums)
        length = np.linalg.norm(image - image.mean())
        correlation = empirics.likeness(image[None], x_hat[None], x_hat).with_training_image[0]
        known = np.linalg.norm(x_hat - x_hat.mean())
        flat = min(length, known) <= off  # but for rounding
        rounding = 1.0 if flat else 2 * off / length + 2 * off / known + entries * 2.0**-50
        ledger.agree(max(correlation, 0.0), max(most, 0.0) + rounding, what="correlation with the training image")
        ledger.holds(correlation <= most + rounding, correlation=correlation, ceiling=most)
        distance = np.sqrt(np.mean((image - x_hat) ** 2))
        ledger.agree(np.sqrt(least), distance + off, what="distance from the training image")


@X_CEILING
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
def test_networks_that_learned_a_digit_are_below_the_ceiling_of_their_loss(depth, bias, ledger):
    """The pack's own size, 3×3 kernels; asked about other digits, and about black."""
    x_hat = digits_of_class(7, 1, 28)
    asked = np.concatenate([others((7,), 28)[::2], np.zeros_like(x_hat)])
    trained = empirics.train(
        lambda: empirics.CNN(1, depth, 6, 3, bias=bias),
        x_hat,
        recipe=empirics.Recipe(optimizer="adam", lr=0.02, steps=120, precision="float64", scheme="kaiming_uniform"),
        seeds=range(3),
        progress=False,
    )
    likeness = empirics.likeness(trained.predict(asked), asked, x_hat)
    for member, correlations in enumerate(likeness.with_training_image):
        loss = np.mean((trained.predict(x_hat)[member] - x_hat) ** 2)
        found = ceiling(asked, x_hat[0], depth, 3, loss=loss, bias=bias).with_training_image
        # Rounding in float64 is many orders of magnitude below the loss that the ceiling allows for.
        ledger.agree(np.maximum(correlations, 0), found, what=f"{depth} layers, {bias=}")
    *other_digits, black = ceiling(asked, x_hat[0], depth, 3, bias=bias).with_training_image
    ledger.note(
        f"{depth} layers of 3×3, {'' if bias else 'no '}biases: other digits are answered with correlation "
        f"{likeness.with_training_image[:, :-1].mean():.2f} to the one learned, ceiling {np.mean(other_digits):.2f}; "
        f"black with {likeness.with_training_image[:, -1].mean():.2f}, ceiling {black:.2f}"
    )


@X_CEILING
def test_none_of_a_thousand_trained_networks_is_above_its_ceiling(ledger):
    """The sweep over depths, initial weights, biases and optimizers whose table is kept (`paper_figures/results`).

    The table has means over the images asked, which are below the means of their ceilings.
    """
    with resources.as_file(resources.files(paper_figures) / "results" / "conditions.parquet") as path:
        runs = [run for run in pyarrow.parquet.read_table(path).to_pylist() if not run["diverged"]]
    x_hat, asked = chosen(Run(first=runs[0]["first"]))
    learned = [run for run in runs if run["loss"] < LEARNED * np.mean(x_hat**2)]
    ledger.note(f"of {len(runs)} networks {len(learned)} have learned their digit")
    ceilings: dict = {}
    for run in learned:
        rounded_up = 8.0 ** np.ceil(np.log2(run["loss"]) / 3)  # so that few ceilings are computed
        which = run["depth"], run["kernel_size"], run["bias"], rounded_up
        if which not in ceilings:
            depth, kernel, bias, loss = which
            ceilings[which] = ceiling(asked, x_hat, depth, kernel, bias=bias, loss=loss).with_training_image.mean()
        ledger.agree(max(run["with_training_image"], 0), ceilings[which], what=f"{run['depth']} layers")


@X_LEAST_DEPTH
@given(data=st.data(), kernel=st.sampled_from([(3, 3), (3, 5), (2, 3), (1, 3)]), seed=seeds)
def test_at_the_least_depth_a_network_is_the_constant_function(data, kernel, seed, ledger):
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(2, 6), st.integers(2, 6)))
    x_hat = data.draw(plain_images(shape, values=either_sign))
    depth = least_depth(x_hat, kernel)
    assume(depth is not None and depth >= 3)
    network, rounding = constant_network(x_hat, depth, kernel)
    asked = np.random.default_rng(seed).normal(size=(3, *shape))
    with torch.no_grad():
        answers = network(torch.from_numpy(asked)).numpy()
    ledger.agree(np.abs(answers - x_hat), rounding, what="distance from the training image")


@X_LEAST_DEPTH
def test_digits_need_eight_layers_of_5x5_or_fifteen_of_3x3(ledger):
    for kernel, depth in ((5, 8), (3, 15)):
        found = {least_depth(digit, kernel) for digit in embedded_digits()[::4]}
        ledger.holds(found == {depth}, kernel=kernel, found=found)
    digit = digits_of_class(7, 1, 10)[0]
    network, rounding = constant_network(digit, least_depth(digit, 5), (5, 5))
    with torch.no_grad():
        answers = network(torch.from_numpy(others((7,), 10))).numpy()
    ledger.agree(np.abs(answers - digit), rounding, what="distance of other digits' answers from the training image")


@X_LEAST_DEPTH
@pytest.mark.parametrize("depth", [2, 4])
def test_with_less_depth_none_can_be_trained_to_be_it(depth, ledger):
    """Trained to answer black, too, with a digit of 10×10 pixels, which takes 6 layers of 3×3."""
    x_hat = digits_of_class(7, 1, 10)
    black = np.zeros_like(x_hat)
    trained = empirics.train(
        lambda: empirics.CNN(1, depth, 12, 3, bias=True),
        np.concatenate([x_hat, black]),
        np.concatenate([x_hat, x_hat]),
        recipe=empirics.Recipe(optimizer="adam", lr=0.01, steps=300, precision="float64", scheme="kaiming_uniform"),
        seeds=range(2),
        progress=False,
    )
    learned, reached = trained.predict(x_hat)[:, 0], trained.predict(black)
    found = [ceiling(black, x_hat[0], depth, 3, answers=answer).mse_to_training_image[0] for answer in learned]
    distance = np.mean((reached - x_hat) ** 2, axis=(1, 2, 3, 4))
    # Pixels of one class differ by rounding in float64, which is nothing beside floors of a few hundredths.
    ledger.agree(np.sqrt(found), np.sqrt(distance), what=f"distance from the constant function, {depth} layers")
    ledger.note(
        f"{depth} layers of 3×3 trained to answer black with a digit of 10×10: mean squared error "
        f"{distance.min():.4f}, at least {min(found):.4f}"
    )


@X_BORDER
@given(
    network=networks, mode=st.sampled_from(["circular", "reflect", "replicate"]), task=tasks(), grey=st.floats(-2, 2)
)
def test_flat_images_are_answered_flat(network, mode, task, grey, ledger):
    x_hat, _, kernel = task
    outputs, bound = network.on(x_hat[None], kernel, padding_mode=mode)(np.full((1, *x_hat.shape), grey))
    first = (slice(None), slice(None), slice(1), slice(1))
    ledger.agree(np.abs(outputs - outputs[first]), bound + bound[first], padding=mode)
    if np.ptp(x_hat[0]) > 0:
        ledger.holds(least_depth(x_hat, kernel, padding_mode=mode) is None)


@X_BORDER
@given(network=networks, task=tasks())
def test_black_is_answered_with_black_without_biases(network, task, ledger):
    assume(network.activation not in ("sigmoid", "softplus"))
    x_hat, _, kernel = task
    plain = replace(network, bias=False)
    outputs, _ = plain.on(x_hat[None], kernel)(np.zeros((1, *x_hat.shape)))
    ledger.holds(not outputs.any(), activation=plain.activation)


@X_SHIFT
@given(network=networks, task=tasks(), shift=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_shifts_are_answered_with_shifts(network, task, shift, ledger):
    """Pixel p of the shifted image sees what p − shift sees in the image itself: theorem 1."""
    x_hat, _, kernel = task
    shifted = np.roll(x_hat, shift, axis=(1, 2))
    outputs, bound = network.on(x_hat[None], kernel, padding_mode="circular")(np.stack([x_hat, shifted]))
    expected = np.roll(outputs[0], shift, axis=(1, 2))
    ledger.agree(np.abs(outputs[1] - expected), bound[1] + np.roll(bound[0], shift, axis=(1, 2)))
    found = ceiling(shifted, x_hat, network.depth, kernel, padding_mode="circular")
    ledger.holds(found.forced.all() and np.array_equal(found.values, shifted))


@X_SHIFT
@pytest.mark.parametrize("depth", [1, 3])
def test_circular_linear_networks_of_one_channel_become_the_identity(depth, ledger):
    """A product of circular convolutions multiplies each frequency ω by a number: m(ω) = f̂(x̂)(ω)/x̂(ω), 1 at the end.

    So f(x) − x has the spectrum (m − 1) x(ω), at any time of the training.
    """
    rng = np.random.default_rng(depth)
    x_hat, x = rng.normal(size=(1, 1, 6, 6)), rng.normal(size=(4, 1, 6, 6))
    trained = empirics.train(
        lambda: empirics.CNN(1, depth, 4, 3, activation="linear", padding_mode="circular"),
        x_hat,
        recipe=empirics.Recipe(optimizer="adam", lr=0.03, steps=1000, precision="float64", scheme="orthogonal"),
        seeds=(0,),
        progress=False,
    )
    network = trained.member(0)
    (answer, *answers), bound = outputs_and_bound(network.layers, "linear", lambda y: y, np.concatenate([x_hat, x]))
    spectrum = np.fft.fft2(x_hat[0, 0])
    multiplier = np.fft.fft2(answer[0]) / spectrum
    expected = np.fft.ifft2(multiplier * np.fft.fft2(x[:, 0])).real
    # An error of f(x̂), by the root of its sum of squares, is divided by the smallest |x̂(ω)| and multiplied by the
    # largest |x(ω)|; four transforms of 36 numbers round by 36 u each at most, relative to what they take.
    gain = np.abs(np.fft.fft2(x[:, 0])).max() / np.abs(spectrum).min()
    rounding = gain * (np.linalg.norm(bound[0]) + 4 * 36 * 2.0**-53 * np.linalg.norm(answer)) + bound[1:].max()
    ledger.agree(np.abs(np.array(answers)[:, 0] - expected), rounding, what="prediction by the spectrum")
    gap = np.abs(multiplier - 1).max()
    distance = np.linalg.norm(np.array(answers) - x) / np.linalg.norm(x)
    ledger.agree(distance, gap + rounding, what="distance from the identity")
    ledger.note(f"{depth} layers: relative distance from the identity {distance:.1e}")

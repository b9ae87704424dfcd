"""The law of learning against descent step by step, against sampled Gaussians, and by exact identities."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import theory
from tests.bounds import Rounding, passed_on
from tests.cases import descents
from tests.theory.learning.naive import Run, descent_of_outputs
from theory import wide
from theory.learning import learning_law, probability_of_largest

PLAIN = theory.GradientDescent(0.3)
FALSE_ALARM = 1e-12  # of all the comparisons of one test together


def one_layer(scheme="yann_normal", bias=False):
    return wide.FullyConnected(1, scheme=scheme, bias=bias, parameterization="standard")


def two_layers(width=64):
    return wide.FullyConnected(2, scheme="default", bias=True, width=width, parameterization="standard")


def problem(seed=0, n=12, features=5, classes=3):
    """Generic inputs, and labels of which each class has some."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), np.arange(n) % classes


@given(
    seed=st.integers(0, 10**6), n=st.integers(2, 8), features=st.integers(1, 6), classes=st.integers(2, 4),
    bias=st.booleans(), steps=st.integers(0, 40), descent=descents(steps=40),
)  # fmt: skip
def test_one_layer_moments_are_those_of_descent_step_by_step(seed, n, features, classes, bias, steps, descent):
    inputs, _ = problem(seed, n, features)
    labels = np.arange(n) % min(n, classes)
    x = np.random.default_rng(seed + 1).normal(size=(3, features))
    design, asked = (np.hstack([a, np.ones((len(a), 1))]) if bias else a for a in (inputs, x))
    targets = np.eye(classes)[labels]
    stable = targets.size / np.linalg.norm(design, 2) ** 2 * (1 + descent.momentum)
    optimizer = theory.GradientDescent(
        descent.fraction * stable, momentum=descent.momentum, milestones=descent.milestones, gamma=descent.gamma
    )
    scheme = "default" if bias else "yann_normal"  # of torch's default only the moments are looked at here
    law = learning_law(one_layer(scheme, bias), inputs, labels, steps=steps, optimizer=optimizer, classes=classes)
    variances = np.full(design.shape[1], 1 / (3 * features) if bias else 1 / features)
    run = Run(design, targets, optimizer)

    # Of the run and the closed form in weights; and of a kernel that is off by `noise` (a step's gradient by
    # (2/N) noise times the error there), whose eigenvalues below `noise` count as 0.
    sizes = Rounding.of(design, targets, np.eye(design.shape[1]), optimizer, steps=steps)
    modes = 2 * np.append(np.linalg.svd(design, compute_uv=False) ** 2, 0) / targets.size
    rates = [optimizer.lr * optimizer.gamma ** sum(m <= t for m in optimizer.milestones) for t in range(steps)]
    later = passed_on(np.tile(modes, (steps, 1)), rates, optimizer.momentum)[1][-1]
    spectrum, noise = law.spectrum, law._descent.modes.noise
    largest = max(1.0, float(np.abs(sizes.left).max(initial=1.0)))
    in_outputs = later * 2 / targets.size * 2 * noise * largest * math.sqrt(n)
    # Another input's answer has Θ(x, X) in front, where a share of the smallest eigenvalue kept may be lost.
    least = float(np.min(spectrum[spectrum > noise], initial=spectrum[0]))
    across = np.linalg.norm(asked @ design.T, 2)
    for points, found in ((design, law), (asked, law.of(x, np.zeros(3, int)))):
        mean, covariance = run.moments(points, variances, steps)
        reach = np.linalg.norm(points, 2)
        off = reach * sizes.weights[-1] + in_outputs * (1 + (across / least if points is asked else 0))
        assert np.linalg.norm(found.mean[0] - mean) <= off
        prior = np.linalg.norm(points * np.sqrt(variances), 2) * largest
        assert np.abs(found.variance[0] - np.diagonal(covariance)).max() <= 2 * off * prior + off**2 + 1e-15 * prior**2


@pytest.mark.parametrize("steps", [0, 3, 30])
def test_the_law_is_that_of_networks_drawn_and_trained(steps):
    """Probability, and the loss's quantiles, of two layers' limit: initial outputs drawn, and moved step by step."""
    inputs, labels = problem(3)
    x, asked = np.random.default_rng(4).normal(size=(4, 5)), np.array([0, 2, 1, 1])
    network, draws = two_layers(), 4000
    optimizer = theory.GradientDescent(0.2, momentum=0.5, milestones=(10,), gamma=0.5)
    law = learning_law(network, inputs, labels, steps=steps, optimizer=optimizer)
    both = np.concatenate([inputs, x])
    root = np.linalg.cholesky(network.nngp(both) + 1e-12 * np.eye(16))
    start = root @ np.random.default_rng(5).normal(size=(draws, 16, 3))
    targets = np.eye(3)[np.append(labels, asked)]
    # The inputs that are not trained on weigh nothing in the gradient, but are moved by it.
    theta = network.ntk(both)
    theta[:, 12:] = 0
    trained_on = np.concatenate([targets[:12], np.zeros((4, 3))])
    scale = targets[:12].size / trained_on.size  # the loss is a mean over the trained ones' entries
    outputs = descent_of_outputs(theta / scale, start, trained_on, optimizer, steps)
    right = outputs.argmax(axis=2) == np.append(labels, asked)
    for found, rows in ((law, slice(0, 12)), (law.of(x, asked), slice(12, 16))):
        hits = right[:, rows].sum(axis=0)
        p = [stats.binomtest(int(k), draws, float(q)).pvalue for k, q in zip(hits, found.probability[0], strict=True)]
        assert min(p) >= FALSE_ALARM / 16
        losses = np.mean((outputs[:, rows] - targets[rows]) ** 2, axis=(1, 2))
        within = math.sqrt(math.log(2 / FALSE_ALARM) / (2 * draws))  # Dvoretzky, Kiefer, Wolfowitz; Massart's constant
        for q in (0.05, 0.5, 0.9):
            assert abs(np.mean(losses <= found.loss.quantile(q)[0]) - q) <= within
        # Losses have few degrees of freedom, all their moments, and a mean within 7 standard errors but for 10⁻¹¹.
        assert abs(losses.mean() - found.loss.mean[0]) <= 7.5 * losses.std() / math.sqrt(draws)


def test_training_inputs_asked_again_have_the_same_law():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[0, 1, 20], optimizer=PLAIN)
    again = law.of(inputs, labels)
    descent = law._descent
    # Θ(X, X) times the inverse of an eigenvalue kept, each known to the noise.
    share = descent.modes.noise / descent.modes.spectrum[descent.modes.kept].min()
    assert np.abs(again.mean - law.mean).max() <= 8 * len(inputs) * share
    assert np.abs(again.variance - law.variance).max() <= 8 * len(inputs) * share * np.linalg.norm(descent.prior, 2)


def test_momentum_and_milestones_are_those_of_the_optimizer():
    inputs, labels = problem()
    optimizer = theory.GradientDescent(0.1, momentum=0.9, milestones=(5, 9), gamma=0.2)
    law = learning_law(two_layers(), inputs, labels, steps=range(13), optimizer=optimizer)
    theta, targets = two_layers().ntk(inputs), np.eye(3)[labels]
    for t in range(13):
        known = descent_of_outputs(theta, np.zeros((12, 3)), targets, optimizer, t)
        rounding = 20 * (t + 1) * 12 * 2.0**-52 / (1 - 0.9) ** 2  # t steps of 12 products, passed on by momentum
        assert np.linalg.norm(law.mean[t] - known) <= rounding * np.linalg.norm(targets)


def test_before_training_every_class_is_equally_likely():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=0, optimizer=PLAIN, classes=7)
    assert np.abs(law.probability - 1 / 7).max() <= 1e-14
    assert law.accuracy.shape == (1,)


def test_probability_loss_and_overdispersion_follow_from_the_moments():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[1, 3], optimizer=theory.GradientDescent(0.1))
    known = probability_of_largest(law.mean, np.sqrt(law.variance), labels)
    assert np.array_equal(law.probability, known)
    assert np.array_equal(law.accuracy, known.mean(axis=1))
    targets = np.eye(3)[labels]
    loss = np.mean((law.mean - targets) ** 2 + law.variance[..., None], axis=(1, 2))
    assert np.abs(law.loss.mean - loss).max() <= 1e-15
    forms = law.loss._forms
    assert np.abs([form.mean for form in forms] - loss).max() <= 1e-13
    # Overdispersion, naively: by each number of networks that may err, of ten.
    for t in range(2):
        p, wrong = known[t].mean(), np.arange(11)
        square = [np.sum(stats.binom.pmf(wrong, 10, 1 - each) * (wrong / 10 - (1 - p)) ** 2) for each in known[t]]
        assert abs(law.overdispersion(10)[t] - np.mean(square) / (p * (1 - p) / 10)) <= 1e-11


def test_overdispersion_where_nothing_errs_is_no_number():
    law = learning_law(one_layer(), np.eye(3), np.arange(3), steps=10**6, optimizer=theory.GradientDescent(1.0))
    assert law.accuracy[0] == 1
    assert np.isnan(law.overdispersion(5)[0])


def test_mode_energies_are_shares_of_what_tells_labels_apart():
    """Two inputs, orthogonal and of different length: each is a mode, and the longer is the quicker one."""
    inputs, labels = np.array([[0.0, 1.0], [3.0, 0.0], [0.0, -1.0]]), np.array([0, 1, 2])
    law = learning_law(one_layer(), inputs, labels, steps=0, optimizer=PLAIN)
    told = np.eye(3)[labels] - 1 / 3
    modes = np.array([[0, 1, 0], np.array([1, 0, -1]) / math.sqrt(2), np.array([1, 0, 1]) / math.sqrt(2)])
    known = np.sum((modes @ told) ** 2, axis=1) / np.sum(told**2)
    assert np.abs(law.spectrum - [9, 2, 0]).max() <= 1e-14
    assert np.abs(law.mode_energies - known).max() <= 1e-14


def test_what_lies_along_a_black_input_is_a_mode_of_its_own():
    """Without biases nothing is ever learned of it: its share of the labels stays, last of all."""
    inputs = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    law = learning_law(one_layer(), inputs, np.array([0, 1, 0]), steps=[0, 9], optimizer=PLAIN)
    assert np.abs(law.mode_energies - 1 / 3).max() <= 1e-15
    assert np.array_equal(law.probability[:, 0], [0.5, 0.5])


def test_the_order_is_by_the_share_of_steps_at_which_an_input_is_right():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[1, 5, 25], optimizer=PLAIN)
    assert sorted(law.order) == list(range(12))
    assert np.all(np.diff(law.ease[law.order]) <= 0)
    assert np.array_equal(law.ease, law.probability.mean(axis=0))


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.6, 0.8])
def test_steps_to_a_fraction_is_the_first_step_that_reaches_it(fraction):
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[200, 50, 0, 4], optimizer=PLAIN)
    every = law.at(range(201)).accuracy
    assert np.all(np.diff(every) > -1e-12)  # it only grows here, so that the first is the one
    assert law.steps_to(fraction) == int(np.argmax(every >= fraction))


def test_steps_to_a_fraction_out_of_reach_is_none():
    inputs, labels = problem()
    assert learning_law(two_layers(), inputs, labels, steps=[0, 1], optimizer=PLAIN).steps_to(1.0) is None


def test_asked_again_at_other_steps_it_is_the_same_law():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=3, optimizer=PLAIN)
    quicker = theory.GradientDescent(0.5, momentum=0.2)
    again = law.at([7, 3], optimizer=quicker)
    known = learning_law(two_layers(), inputs, labels, steps=[7, 3], optimizer=quicker)
    assert again.steps == (7, 3)
    assert np.array_equal(again.probability, known.probability)
    assert again.optimizer == quicker


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_largest_stable_rate_is_that_of_one_layer(momentum):
    inputs, labels = problem()
    law = learning_law(one_layer(bias=True), inputs, labels, steps=0, optimizer=PLAIN)
    known = theory.max_stable_lr(theory.FullyConnected(5, 3, bias=True), inputs, momentum=momentum)
    assert abs(law.max_stable_lr(momentum) / known - 1) <= 2.0**-52 * 2 * (12 + law._descent.network.roundings)


def test_black_inputs_are_never_learned():
    law = learning_law(one_layer(), np.zeros((3, 2)), np.array([0, 1, 0]), steps=[0, 10], optimizer=PLAIN)
    assert np.array_equal(law.probability, np.full((2, 3), 0.5))  # ties, broken by chance
    assert law.max_stable_lr() == math.inf


def test_torch_tensors_come_back_as_such():
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[1, 9], optimizer=PLAIN)
    there = torch.from_numpy(inputs).float(), torch.from_numpy(labels)
    found = learning_law(two_layers(), *there, steps=[1, 9], optimizer=PLAIN)
    for name in ("probability", "accuracy", "mean", "variance", "mode_energies", "spectrum", "ease"):
        value = getattr(found, name)
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float32
    # float32 inputs are off by 2⁻²⁴ of their size; three steps of derivatives of order 1 and 50 entries.
    assert np.abs(found.probability.numpy() - law.probability).max() <= 2.0**-24 * 1000
    assert isinstance(found.of(there[0][:2], there[1][:2]).loss.mean, torch.Tensor)


def test_integer_pixels_count_as_float64():
    pixels, labels = np.random.default_rng(0).integers(0, 255, (6, 4)), np.arange(6) % 2
    optimizer = theory.GradientDescent(1e-5)
    law = learning_law(one_layer(), pixels, labels, steps=[5], optimizer=optimizer)
    known = learning_law(one_layer(), pixels.astype(float), labels, steps=[5], optimizer=optimizer)
    assert np.array_equal(law.probability, known.probability)


@given(st.permutations(range(12)), st.permutations(range(3)))
def test_names_of_classes_and_the_order_of_examples_do_not_matter(examples, names):
    inputs, labels = problem()
    law = learning_law(two_layers(), inputs, labels, steps=[2, 30], optimizer=PLAIN)
    found = learning_law(
        two_layers(), inputs[examples], np.array(names)[labels][examples], steps=[2, 30], optimizer=PLAIN
    )
    share = 12 * law._descent.modes.noise / law.spectrum[0] * 30  # 30 steps, each off by the kernel's rounding
    deviation = np.sqrt(law.variance.min())  # a probability's slope is below 1/deviation
    assert np.abs(found.probability - law.probability[:, examples]).max() <= 100 * share / deviation

"""Which example is right after which step, predicted before training, and how often really trained networks are right.

What is measured was written down before it was: sizes and numbers of steps come from a pilot run on other seeds
(0 to 999), the statistics from theory. Digits are 7×7 pixels, five of each class; labels are theirs, or dealt out by
chance; descent is full-batch on the mean squared error at half the largest stable rate.

**Wide networks.** 960 networks of each width, in 48 groups of 20. Of a group, with k_i of 20 right about digit i and
probability p_i predicted, X² = mean (k_i − 20 p_i)²/(20 p_i (1 − p_i)) over the digits with 0.02 ≤ p_i ≤ 0.98: 1 on
average if the prediction were exact. A group of the greatest width has the smaller X² than its like of the least, by
an exact sign test over groups. Of all 960 the excess (X² − 1)/960 estimates mean (P_i − p_i)²/(p_i (1 − p_i)) without
bias but for a term (P_i − p_i)(1 − 2 p_i)/(960 p_i (1 − p_i)), P_i being the networks' true probability; as corrections
to the law are of the order 1/width, it is expected to fall as width^−2, which is fitted and put on record.

**One layer.** 2,000 networks: the binomial test of each digit, the smallest p-value times the number of digits, and the
greatest distance of the losses' distribution from the predicted one at 19 levels.

**Modes.** 48 networks of 64 units: the squared error after 16 steps as a share of the one before training, along the
eigenvectors 1 to 5, 6 to 15 and 16 to 30 of the infinitely wide network's kernel, network by network.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import empirics
import theory
from tests.bounds import Rounding
from tests.cases import descents, images, seeds
from tests.claims.closer_look.labelled_digits import (
    CLASSES,
    KINDS,
    SIDE,
    digits,
    labels_of,
    predicted,
    right,
    train,
    trained,
    two_layers,
)
from tests.claims.deep_networks import FIRST_SEED, MEMBERS, more_often
from tests.claims.one_layer import OneLayerTraining, from_any_weights, schemes
from theory import wide
from theory.learning import LabelledLaw, learning_law
from verification import claim

C_LAW_LINEAR = claim(
    "C.law-linear",
    statement="For one-layer networks the law of learning is exact: each trained network is right where its own "
    "prediction is, and over random initial weights examples are right, and losses distributed, as predicted.",
    source="ours: theory.learning",
)
C_LAW = claim(
    "C.law",
    statement="The frequencies with which trained two-layer networks are right about each example after a number of "
    "steps approach the predicted probabilities as the width grows.",
    source="ours: theory.learning; Lee et al. 2019, theorem 2.1",
)
C_FIRST = claim(
    "C.first",
    statement="What lies along the tangent kernel's first modes is learned first; the labels of real data lie there, "
    "and are learned sooner than random ones.",
    source="Arpit et al. 2017, section 3 (simple patterns first); ours: theory.learning",
)
EQUALITY = 1e-12  # the level of each test of an equality in law
GROUPS, GROUP = MEMBERS, 20
WIDTHS = (16, 32, 64, 128)
STEPS = 16


@C_LAW_LINEAR
@given(
    features=st.integers(1, 6), classes=st.integers(2, 4), examples=st.integers(2, 6), bias=st.booleans(),
    descent=descents(steps=40), scheme=schemes, seed=seeds, data=st.data(),
)  # fmt: skip
def test_a_one_layer_network_is_right_where_its_own_prediction_is(
    features, classes, examples, bias, descent, scheme, seed, data, ledger
):
    inputs = data.draw(images((examples, features)))
    labels = np.arange(examples) % min(classes, examples)
    targets = np.eye(classes)[labels]
    network = theory.FullyConnected(features, classes, bias=bias)
    run = data.draw(from_any_weights(OneLayerTraining(network, inputs, targets, descent, 40, scheme, seed % 1000)))
    model = run.make_model().double()
    model.load_state_dict({name: value[0].double() for name, value in run.trained.initial_weights.items()})
    law = learning_law(model, inputs, labels, steps=run.steps, optimizer=run.optimizer)
    outputs = np.asarray(run.trained.predict(inputs))[0]
    # The linearization is one model of one output unit whose design is the Jacobian, of a column for each weight.
    jacobian = np.kron(run.design, np.eye(classes))
    flat = run.flat(run.trained.initial_weights).reshape(1, -1)
    closed = Rounding.of(jacobian, targets.reshape(-1, 1), flat, run.optimizer, steps=run.steps)
    bound = run.prediction_bound(inputs, run.rounding.weights[-1] + closed.weights[-1])
    ledger.agree(np.abs(outputs - law.mean[0]), bound, what="outputs", shape=inputs.shape)
    ahead = np.sort(law.mean[0], axis=1)
    decided = ahead[:, -1] - ahead[:, -2] > 2 * np.broadcast_to(bound, outputs.shape).max(axis=1)
    if decided.any():
        ledger.holds((law.probability[0] == right(outputs[None], labels)[0])[decided], what="right or wrong")


@C_LAW_LINEAR
@pytest.mark.parametrize("kind", KINDS)
def test_one_layer_networks_are_right_as_often_as_predicted(kind, ledger):
    """2,000 networks after 60 steps, with momentum and two milestones: binomial tests of each digit, and of losses."""
    networks, steps = 2000, 60
    inputs, _ = digits()
    asked, answers = digits(10)
    network = wide.FullyConnected(1, scheme="yann_normal", parameterization="standard")
    stable = theory.max_stable_lr(theory.FullyConnected(SIDE**2, CLASSES), inputs, momentum=0.5)
    optimizer = theory.GradientDescent(0.3 * stable, momentum=0.5, milestones=(24, 48), gamma=0.5)
    law = learning_law(network, inputs, labels_of(kind), steps=steps, optimizer=optimizer)
    ensemble = train(
        lambda: empirics.FCN(SIDE**2, 1, out_features=CLASSES), kind, optimizer, steps,
        range(FIRST_SEED, FIRST_SEED + networks), scheme="yann_normal", precision="float64",
    )  # fmt: skip
    cases = [(law, inputs, labels_of(kind))]
    if kind == "real":
        cases.append((law.of(asked, answers), asked, answers))
    for found, x, labels in cases:
        outputs = np.asarray(ensemble.predict(x))
        hits = right(outputs, labels).sum(axis=0)
        p = [
            stats.binomtest(int(k), networks, float(q)).pvalue for k, q in zip(hits, found.probability[0], strict=True)
        ]
        ledger.equality_in_law(min(1.0, len(p) * min(p)), EQUALITY, what="right answers, the digit furthest off")
        losses = np.mean((outputs - np.eye(CLASSES)[labels]) ** 2, axis=(1, 2))
        levels = np.linspace(0.05, 0.95, 19)
        distance = max(abs(float(np.mean(losses <= found.loss.quantile(q)[0])) - q) for q in levels)
        # Dvoretzky, Kiefer and Wolfowitz, with Massart's constant: of the greatest distance anywhere.
        ledger.equality_in_law(min(1.0, 2 * math.exp(-2 * networks * distance**2)), EQUALITY, what="losses")
        ledger.note(
            f"one layer, {kind} labels, {'training' if found is law else 'other'} digits: "
            f"{hits.mean() / networks:.3f} right, {found.accuracy[0]:.3f} predicted"
        )


def chi_square(found: np.ndarray, law: LabelledLaw) -> np.ndarray:
    """X² of the networks of each group, for `found` (groups, networks, n)."""
    p = np.asarray(law.probability[-1])
    open_ = (p >= 0.02) & (p <= 0.98)
    count, p = found.shape[1], p[open_]
    return np.mean((found[:, :, open_].sum(axis=1) - count * p) ** 2 / (count * p * (1 - p)), axis=1)


@C_LAW
@pytest.mark.parametrize("case", ["real", "random", "other digits"])
def test_wide_networks_are_right_nearly_as_often_as_predicted(case, ledger):
    kind = "random" if case == "random" else "real"
    inputs, labels = (digits()[0], labels_of(kind)) if case != "other digits" else digits(10)
    by_group, excess, left_out = [], [], []
    for width in WIDTHS:
        law = predicted(width, kind, (STEPS,))
        found = right(
            trained(width, kind, STEPS, range(FIRST_SEED, FIRST_SEED + GROUPS * GROUP)).predict(
                inputs.astype(np.float32)
            ),
            labels,
        )
        asked = law.of(inputs, labels) if case == "other digits" else law
        by_group.append(chi_square(found.reshape(GROUPS, GROUP, -1), asked))
        excess.append(float(chi_square(found[None], asked)[0] - 1) / len(found))
        rest = [np.delete(found, slice(g * GROUP, (g + 1) * GROUP), axis=0) for g in range(GROUPS)]
        left_out.append([float(chi_square(each[None], asked)[0] - 1) / len(each) for each in rest])
        ledger.note(
            f"{case}, width {width}: {found.mean():.3f} right, {asked.accuracy[-1]:.3f} predicted; mean "
            f"(P − p)²/(p(1 − p)) {excess[-1]:.2g}"
        )
    more_often(ledger, by_group[-1] < by_group[0], contradicts=by_group[-1] > by_group[0], case=case)
    if min(excess) > 0 and np.min(left_out) > 0:
        logs = np.log(WIDTHS) - np.mean(np.log(WIDTHS))
        fit = lambda values: logs @ np.log(values) / (logs @ logs)  # noqa: E731
        jackknife = np.array([fit(column) for column in np.array(left_out).T])
        error = math.sqrt((GROUPS - 1) * np.mean((jackknife - jackknife.mean()) ** 2))
        ledger.note(f"{case}: fitted exponent {fit(excess):.2f} ± {3.3 * error:.2f} (99.9 %), expected −2")


BANDS = (slice(0, 5), slice(5, 15), slice(15, 30))


@C_FIRST
@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_along_the_first_modes_is_learned_first(kind, ledger):
    """Each network's error after 16 steps, as a share of the one it began with, in modes 1–5, 6–15 and 16–30."""
    width, members = 64, range(FIRST_SEED, FIRST_SEED + MEMBERS)
    law = predicted(width, kind, (STEPS,))
    inputs, targets = digits()[0], np.eye(CLASSES)[labels_of(kind)]
    # Eigenvectors of the infinitely wide network's kernel: nothing of them comes from training.
    vectors = np.linalg.eigh(two_layers(width).ntk(inputs))[1][:, ::-1]
    ensemble = trained(width, kind, STEPS, members)
    start = train(
        lambda: empirics.FCN(SIDE**2, 2, width, out_features=CLASSES, bias=True), kind, law.optimizer, 0, members,
        scheme="default", precision="float32",
    )  # fmt: skip
    errors = [np.asarray(each.predict(inputs.astype(np.float32))) - targets for each in (start, ensemble)]
    along = [vectors.T @ error for error in errors]  # (members, modes, C)
    left = np.array([[np.sum(part[:, band] ** 2, axis=(1, 2)) for band in BANDS] for part in along])
    shares = left[1] / left[0]  # (bands, members)
    more_often(ledger, shares[0] < shares[1], labels=kind, bands="modes 1-5 and 6-15")
    more_often(ledger, shares[1] < shares[2], labels=kind, bands="modes 6-15 and 16-30")
    energies = [float(np.sum(law.mode_energies[band])) for band in BANDS]
    for band, share, energy in zip(BANDS, shares, energies, strict=True):
        ledger.note(
            f"{kind} labels, modes {band.start + 1}-{band.stop}: {np.median(share):.2f} of their error left after "
            f"{STEPS} steps; they hold {energy:.3f} of the labels"
        )


@C_FIRST
def test_real_labels_are_learned_sooner_than_random_ones(ledger):
    """Of the same digits and initial weights: more are right after 16 steps when labels are their own."""
    width, members = 64, range(FIRST_SEED, FIRST_SEED + MEMBERS)
    rights, simple = [], []
    for kind in KINDS:
        law = predicted(width, kind, (STEPS,))
        outputs = trained(width, kind, STEPS, members).predict(digits()[0].astype(np.float32))
        rights.append(right(outputs, labels_of(kind)))
        simple.append(float(np.sum(law.mode_energies[:10])))
        ledger.note(
            f"{kind} labels: {simple[-1]:.3f} of them in the first ten of 50 modes; "
            f"{rights[-1].mean():.3f} right after {STEPS} steps, {law.accuracy[-1]:.3f} predicted"
        )
    ledger.holds(simple[0] > simple[1], what="share of the labels in the first ten modes")
    real, random = (each.mean(axis=1) for each in rights)
    more_often(ledger, real > random, contradicts=real < random, what="digits right")

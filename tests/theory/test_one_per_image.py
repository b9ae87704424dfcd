"""One network for each image: each is descent written out on its own image, and what `gradient_descent` makes of it."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import theory
from files import embedded_digits
from numerics import UndecidedRankError, many_ranks
from tests import reference
from tests.bounds import Rounding
from tests.cases import WindowCase, descents, random_images, seeds, windows
from tests.theory.one_layer import convolutional, drawn_weights_and_targets, naive_design, optimizer_for


@given(windows(max_size=6, max_images=3), descents(steps=20), st.booleans(), st.integers(1, 2), seeds)
def test_every_step_is_descent_written_out_on_each_image(case, descent, bias, outputs, seed):
    network = convolutional(case, bias=bias, outputs=outputs)
    targets, initial, start = drawn_weights_and_targets(network, case.images, seed)
    designs = [naive_design(WindowCase(x[None], case.kernel, case.settings), bias=bias) for x in case.images]
    entries = targets[0].size
    largest = max(designs, key=lambda design: np.linalg.norm(design, 2))
    optimizer = optimizer_for(descent, largest, entries)  # stable on every image
    found = theory.per_image(network, case.images, targets, initial=initial, steps=range(21), optimizer=optimizer)
    for i, design in enumerate(designs):
        rows = np.moveaxis(targets[i], 0, -1).reshape(-1, outputs)
        expected = reference.gradient_descent(
            design, rows, start, optimizer.lr, descent.momentum, descent.milestones, descent.gamma, steps=20
        )
        bound = Rounding.of(design, rows, start, optimizer, steps=20).weights
        parameters = found.weight[:, i].reshape(21, outputs, -1)
        if bias:
            parameters = np.concatenate([parameters, found.bias[:, i, :, None]], axis=-1)
        assert (np.linalg.norm(parameters - expected, axis=(1, 2)) <= bound).all()
        residuals = np.linalg.norm(expected @ design.T - rows.T, axis=(1, 2))
        # Parameters that are off by `bound` leave residuals off by ‖D‖ times that.
        off = np.linalg.norm(design, 2) * bound + 2.0**-52 * (residuals + np.linalg.norm(rows))
        assert (np.abs(found.loss[:, i] - residuals**2 / entries) <= (2 * residuals * off + off**2) / entries).all()


def one_by_one(network, inputs, **settings) -> list[theory.TrainedNetwork]:
    return [theory.gradient_descent(network, x, **settings) for x in inputs]


@given(windows(max_images=4), st.booleans(), seeds)
def test_the_limit_of_the_identity_task_is_that_of_each_alone(case, bias, seed):
    network = convolutional(case, bias=bias)
    weight = np.random.default_rng(seed).standard_normal(network.weight_shape(case.images))
    initial = (weight, np.ones(network.outputs)) if bias else weight
    try:
        expected = one_by_one(network, case.images, initial=initial)
    except ValueError as error:  # no identity for this window, or a rank left open
        with pytest.raises(type(error)):
            theory.per_image(network, case.images, initial=initial)
        return
    found = theory.per_image(network, case.images, initial=initial)
    assert found.rank.tolist() == [each.rank for each in expected]
    assert found.deficiency.tolist() == [each.deficiency for each in expected]
    assert found.method.tolist() == [each.method for each in expected]
    for i, each in enumerate(expected):
        if each.method != "decomposition":
            np.testing.assert_array_equal(found.weight[i], each.weight)
            continue
        values = np.asarray(each.spectrum)[: each.rank]
        condition = values[0] / values[-1] if len(values) else 1.0
        # The row space of a matrix, decomposed alone or in a stack, is known to its noise times κ.
        rows = np.prod(network.target_shape(case.images)[2:])
        noise = 2.0**-52 * (np.sqrt(rows) + weight[0].size + bias) * np.sqrt(weight[0].size + bias)
        assert np.linalg.norm(found.weight[i] - each.weight) <= 4 * noise * condition * (np.linalg.norm(weight) + 2)
    assert (found.loss == 0).all()


def test_locally_and_fully_connected_networks_have_ranks_and_weights_of_their_own():
    images = random_images(0, (3, 1, 3, 4))
    images[1, 0, :, :2] = 0
    local = theory.LocallyConnected(1, kernel_size=3)
    dense = theory.FullyConnected(12, bias=True)
    for network, inputs in ((local, images), (dense, images.reshape(3, 12))):
        found, expected = theory.per_image(network, inputs), one_by_one(network, inputs)
        for i, each in enumerate(expected):
            np.testing.assert_array_equal(found.rank[i], each.rank)
            np.testing.assert_array_equal(found.deficiency[i], each.deficiency)
            np.testing.assert_allclose(found.weight[i], each.weight, rtol=0, atol=1e-14)  # κ = 1: one row each
    assert found.bias.shape == (3, 12)


def test_digits_need_no_decomposition_and_flat_pictures_do():
    digits = embedded_digits() / 255
    found = theory.per_image(theory.Convolutional(1, kernel_size=5), digits)
    assert (found.deficiency == 0).all()
    assert set(found.method.tolist()) <= {"support", "gram"}
    flat = np.concatenate([digits[:2], np.ones((1, 1, 28, 28)), random_images(0, (1, 1, 28, 28))])
    network = theory.Convolutional(1, kernel_size=5, padding_mode="circular")
    mixed = theory.per_image(network, flat)
    assert mixed.rank.tolist() == [25, 25, 1, 25]
    assert mixed.method[2:].tolist() == ["decomposition", "gram"]


@pytest.mark.parametrize("at_once", [1, 2**22])
def test_nothing_depends_on_how_many_are_worked_on_at_a_time(monkeypatch, at_once):
    monkeypatch.setattr(many_ranks, "AT_ONCE", at_once)
    images = random_images(1, (5, 1, 4, 4)) * np.array([1, 0, 1, 1e-200, 1e150])[:, None, None, None]
    found = theory.per_image(theory.Convolutional(1, kernel_size=3), images)
    assert found.rank.tolist() == [9, 0, 9, 9, 9]
    assert found.method.tolist() == ["gram", "decomposition", "gram", "gram", "gram"]


def test_an_unstable_rate_in_the_limit_is_refused_for_the_brightest_image():
    images = np.stack([embedded_digits()[0] / 255, embedded_digits()[30] / 25.5])
    network = theory.Convolutional(1, kernel_size=3)
    stable = min(theory.max_stable_lr(network, x, momentum=0.9) for x in images)
    theory.per_image(network, images, optimizer=theory.GradientDescent(0.99 * stable, momentum=0.9))
    with pytest.raises(ValueError, match="does not converge on these inputs"):
        theory.per_image(network, images, optimizer=theory.GradientDescent(1.01 * stable, momentum=0.9))


@pytest.mark.parametrize("xp", [np, torch, array_api_strict])
def test_every_kind_of_array_is_answered_in_kind(xp):
    images = xp.asarray(random_images(2, (2, 1, 5, 5)).tolist(), dtype=xp.float32)
    network = theory.Convolutional(1, kernel_size=3, bias=True)
    for steps in (theory.GradientDescent(0.1), None):
        found = theory.per_image(network, images, optimizer=steps, **({"steps": [3, 5]} if steps else {}))
        for value in (found.weight, found.bias, found.loss):
            assert type(value) is type(images)
            assert value.dtype == xp.float32


def test_an_open_rank_is_refused_naming_the_image():
    images = np.zeros((3, 1, 3, 3))
    images[:, 0] = np.eye(3)
    images[2, 0] = np.diag([1.0, 1.2e-15, 0.8e-15])
    network = theory.Convolutional(1, kernel_size=(1, 3), padding="valid")
    with pytest.raises(UndecidedRankError, match=r"inputs\[2\]: the rank cannot be decided"):
        theory.per_image(network, images)


@pytest.mark.parametrize(
    ("inputs", "options", "error", "sentence"),
    [
        (np.ones((1, 5, 5)), {}, ValueError, r"inputs must have a batch axis, \(n, C, H, W\), got \(1, 5, 5\)"),
        (np.ones((1, 2, 5, 5)), {}, ValueError, "inputs must have 1 channels"),
        (np.ones((1, 1, 5, 5)), {"steps": 5}, ValueError, "optimizer must be given for a finite number of steps"),
        (np.ones((1, 1, 5, 5)), {"steps": -1}, ValueError, "steps"),
        (np.ones((1, 1, 5, 5)), {"optimizer": 0.1}, TypeError, "optimizer must be a GradientDescent, got float"),
        (np.ones((1, 1, 5, 5)), {"targets": np.ones((2, 1, 5, 5))}, ValueError, "targets must have the shape"),
        (np.ones((1, 1, 5, 5)), {"initial": np.ones((1, 1, 2, 2))}, ValueError, "initial weight must have shape"),
        (np.full((1, 1, 5, 5), np.inf), {}, ValueError, "inputs must be finite"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(inputs, options, error, sentence):
    with pytest.raises(error, match=sentence):
        theory.per_image(theory.Convolutional(1, kernel_size=3), inputs, **options)

"""Every public door of theory refuses what it cannot answer, in a sentence that names the argument."""

import math

import array_api_strict
import numpy as np
import pytest
import torch

import theory
from theory import Convolutional, FullyConnected, GradientDescent, LocallyConnected, gradient_descent

IMAGE = np.random.default_rng(0).random((1, 1, 5, 5))
CONV = Convolutional(1, kernel_size=3)
BIASED = Convolutional(1, kernel_size=3, bias=True)
WEIGHT = np.ones((1, 1, 3, 3))


def descent(network=CONV, inputs=IMAGE, targets=None, **options):
    return lambda: gradient_descent(network, inputs, targets, **options)


def predict(inputs, network=CONV, trained_on=IMAGE):
    return lambda: gradient_descent(network, trained_on)(inputs)


CASES = {
    "NaN": (descent(inputs=IMAGE * np.nan), ValueError, "inputs must be finite"),
    "infinity": (descent(inputs=IMAGE + np.inf), ValueError, "inputs must be finite"),
    "empty batch": (descent(inputs=IMAGE[:0]), ValueError, "inputs must not be empty"),
    "a list": (descent(inputs=[[1.0]]), TypeError, "inputs must be a NumPy or torch array, got list"),
    "no array": (descent(inputs=None), TypeError, "inputs must be a NumPy or torch array, got NoneType"),
    "a masked array": (descent(inputs=np.ma.array(IMAGE)), TypeError, "inputs must be a dense array"),
    "a tensor without numbers": (
        descent(inputs=torch.from_numpy(IMAGE).to("meta")),
        TypeError,
        "inputs must hold numbers that can be read, got Tensor without any",
    ),
    "numbers of eight bits": (
        descent(inputs=torch.from_numpy(IMAGE).to(torch.float8_e4m3fn)),
        TypeError,
        "inputs must hold integers or real floating-point numbers, got dtype torch.float8_e4m3fn",
    ),
    "a sparse tensor": (descent(inputs=torch.from_numpy(IMAGE).to_sparse()), TypeError, "inputs must be a dense array"),
    "no network": (descent(network="cnn"), TypeError, "network must be a FullyConnected, Conv.* got 'cnn'"),
    "a torch layer": (descent(network=torch.nn.Linear(2, 2)), TypeError, "theory.from_torch turns a torch layer"),
    "a class": (descent(network=FullyConnected), TypeError, "network must be a FullyConnected"),
    "stability of no network": (lambda: theory.max_stable_lr(None, IMAGE), TypeError, "network must be"),
    "true steps": (descent(steps=True, optimizer=GradientDescent(0.1)), TypeError, "steps must be an integer"),
    "minus infinitely many steps": (descent(steps=-math.inf), TypeError, "steps must be an integer"),
    "1-D image": (descent(inputs=np.ones(25)), ValueError, r"inputs must have shape \(n, C, H, W\) or \(C, H, W\)"),
    "2-D image": (descent(inputs=IMAGE[0, 0]), ValueError, "inputs must have shape"),
    "5-D image": (descent(inputs=IMAGE[None]), ValueError, "inputs must have shape"),
    "channels": (descent(inputs=np.ones((1, 3, 5, 5))), ValueError, "inputs must have 1 channels"),
    "channels last": (
        descent(Convolutional(3, kernel_size=3), np.ones((8, 8, 3))),
        ValueError,
        r"inputs must have 3 channels, got shape \(8, 8, 3\); \(8, 8, 3\) looks like \(H, W, C\), channels last",
    ),
    "a colour picture, channels last, for one channel": (
        descent(inputs=np.ones((48, 40, 3))), ValueError, r"got shape \(48, 40, 3\); .* looks like \(H, W, C\)",
    ),
    "features": (descent(FullyConnected(4), np.ones((2, 5))), ValueError, "inputs must have 4 features"),
    "an image for a vector": (descent(FullyConnected(25)), ValueError, r"inputs must have shape \(n, d\) or \(d,\)"),
    "complex": (descent(inputs=IMAGE + 0j), TypeError, "inputs must hold integers or real"),
    "boolean": (descent(inputs=IMAGE > 0.5), TypeError, "inputs must hold integers or real"),
    "boolean tensor": (descent(inputs=torch.from_numpy(IMAGE) > 0.5), TypeError, "inputs must hold integers or real"),
    "strings": (descent(inputs=IMAGE.astype(str)), TypeError, "inputs must hold integers or real"),
    "objects": (descent(inputs=IMAGE.astype(object)), TypeError, "inputs must hold integers or real"),
    "kernel larger than the image": (
        descent(Convolutional(1, kernel_size=7, padding="valid")), ValueError, "kernel_size spans 7 pixels of height",
    ),
    "NumPy inputs, torch targets": (
        descent(targets=torch.from_numpy(IMAGE)), TypeError, "inputs and targets must be arrays of one kind",
    ),
    "NumPy inputs, torch weights": (
        descent(initial=torch.ones(1, 1, 3, 3)), TypeError, "inputs and initial weight must be arrays of one kind",
    ),
    "torch inputs, strict targets": (
        descent(inputs=torch.from_numpy(IMAGE), targets=array_api_strict.asarray(IMAGE)), TypeError, "one kind",
    ),
    "mixed dtypes": (
        descent(targets=IMAGE.astype(np.float32)), TypeError, "inputs and targets must have one floating dtype",
    ),
    "targets of the wrong shape": (
        descent(targets=IMAGE[:, :, :4]), ValueError, r"targets must have the shape .* output, \(1, 1, 5, 5\)",
    ),
    "targets without batch": (descent(targets=IMAGE[0]), ValueError, "targets must have the shape"),
    "targets with NaN": (descent(targets=IMAGE * np.nan), ValueError, "targets must be finite"),
    "weight of the wrong shape": (
        descent(initial=WEIGHT[0]), ValueError, r"initial weight must have shape \(1, 1, 3, 3\)",
    ),
    "weight of another kernel": (
        descent(initial=np.ones((1, 1, 5, 5))), ValueError, r"initial weight must have shape \(1, 1, 3, 3\), got",
    ),
    "weight with NaN": (descent(initial=WEIGHT * np.nan), ValueError, "initial weight must be finite"),
    "bare weight with bias": (descent(BIASED, initial=WEIGHT), TypeError, r"initial must be \(weight, bias\)"),
    "bias without bias": (descent(initial=(WEIGHT, np.ones(1))), TypeError, "initial must be the weight alone"),
    "weight, bias and more": (
        descent(BIASED, initial=(WEIGHT, np.ones(1), 3)), ValueError, r"initial must be \(weight, bias\), got 3 parts",
    ),
    "bias of the wrong shape": (
        descent(BIASED, initial=(WEIGHT, np.ones(2))), ValueError, r"initial bias must have shape \(1,\)",
    ),
    "no bias given": (descent(BIASED, initial=(WEIGHT, None)), TypeError, "initial bias must be a NumPy"),
    "a weight's shape that broadcasts": (
        descent(FullyConnected(3), np.ones((1, 3)), initial=np.ones((1, 3))), ValueError, r"must have shape \(3, 3\)",
    ),
    "negative steps": (descent(steps=-1, optimizer=GradientDescent(0.1)), ValueError, "steps must be at least 0"),
    "fractional steps": (descent(steps=2.5, optimizer=GradientDescent(0.1)), TypeError, "steps must be an integer"),
    "NaN steps": (descent(steps=math.nan, optimizer=GradientDescent(0.1)), TypeError, "steps must be an integer"),
    "no optimizer": (descent(steps=3), ValueError, "optimizer must be given"),
    "optimizer of another kind": (descent(steps=3, optimizer=0.1), TypeError, "optimizer must be a GradientDescent"),
    "unstable in the limit": (
        descent(optimizer=GradientDescent(1e6)), ValueError, "final learning rate 1e.06 must be below",
    ),
    "unstable far": (
        descent(steps=10_000, optimizer=GradientDescent(1e6)), OverflowError, "unstable",
    ),
    "identity of another number of channels": (
        descent(Convolutional(1, 2, kernel_size=3)), ValueError, "targets may be left out only for the identity task",
    ),
    "identity of another number of features": (
        descent(FullyConnected(2, 3), np.ones((1, 2))), ValueError, "targets may be left out only for the identity",
    ),
    "identity with stride": (
        descent(Convolutional(1, kernel_size=3, stride=2, padding=1)), ValueError, "needs stride 1",
    ),
    "identity without a central tap": (
        descent(Convolutional(1, kernel_size=2, dilation=2)), ValueError, "no tap sees the output's own pixel",
    ),
    "an even kernel with gaps along one axis": (
        descent(Convolutional(1, kernel_size=(3, 2), dilation=2)), ValueError, "no tap sees the output's own pixel",
    ),
    "predict NaN": (predict(IMAGE * np.nan), ValueError, "inputs must be finite"),
    "predict another kind": (predict(torch.from_numpy(IMAGE)), TypeError, "one kind"),
    "predict other integers": (predict(torch.ones(1, 5, 5, dtype=torch.int64)), TypeError, "arrays of one kind"),
    "predict another dtype": (predict(IMAGE.astype(np.float32)), TypeError, "one floating dtype"),
    "predict other channels": (predict(np.ones((3, 5, 5))), ValueError, "inputs must have 1 channels"),
    "predict another size": (
        predict(np.ones((1, 6, 5)), LocallyConnected(1, kernel_size=3)), ValueError, "of the size it was trained on",
    ),
    "features not an integer": (lambda: FullyConnected(2.0), TypeError, "in_features must be an integer"),
    "no features": (lambda: FullyConnected(0), ValueError, "in_features must be at least 1"),
    "no outputs": (lambda: FullyConnected(2, 0), ValueError, "out_features must be at least 1"),
    "bias not a bool": (lambda: FullyConnected(2, bias=1), TypeError, "bias must be True or False"),
    "no channels": (lambda: Convolutional(0, kernel_size=3), ValueError, "in_channels must be at least 1"),
    "unknown padding": (lambda: Convolutional(1, kernel_size=3, padding="full"), ValueError, "padding must be"),
    "learning rate zero": (lambda: GradientDescent(0), ValueError, "lr must be positive"),
    "milestones out of order": (lambda: GradientDescent(0.1, milestones=(3, 2)), ValueError, "ascending order"),
    "momentum one": (lambda: GradientDescent(0.1, momentum=1), ValueError, "momentum must be in"),
    "stability of momentum one": (
        lambda: theory.max_stable_lr(CONV, IMAGE, momentum=1.0), ValueError, "momentum must be in",
    ),
    "stability of NaN": (lambda: theory.max_stable_lr(CONV, IMAGE * np.nan), ValueError, "inputs must be finite"),
    "decompose features": (lambda: theory.decompose(np.ones(3), np.ones(4)), ValueError, "equally many features"),
    "decompose images": (lambda: theory.decompose(IMAGE, np.ones(4)), ValueError, "x must have shape"),
    "decompose kinds": (lambda: theory.decompose(np.ones(3), torch.ones(3)), TypeError, "x and x_hat"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_sentence(name):
    call, error, message = CASES[name]
    with pytest.raises(error, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)

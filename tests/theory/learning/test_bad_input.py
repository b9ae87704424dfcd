"""Every door of `theory.learning` refuses what it cannot answer, in a sentence that names the argument."""

import numpy as np
import pytest
import torch

import theory
from theory import wide
from theory.learning import learning_law

X, Y = np.random.default_rng(0).random((6, 4)), np.array([0, 1, 2, 0, 1, 2])
NETWORK = wide.FullyConnected(2, weight_variance=2.0)
GD = theory.GradientDescent(0.1)
LAW = learning_law(NETWORK, X, Y, steps=[0, 5], optimizer=GD)

MODULE = learning_law(torch.nn.Linear(4, 3), X, Y, steps=[0, 5], optimizer=GD)


def law(network=NETWORK, inputs=X, labels=Y, steps=3, optimizer=GD, **settings):
    return lambda: learning_law(network, inputs, labels, steps=steps, optimizer=optimizer, **settings)


CASES = {
    "a convolution": (
        law(wide.Convolutional(2, kernel_size=3, weight_variance=2.0)),
        TypeError,
        "network must be a wide.FullyConn",
    ),
    "a one-layer network": (law(theory.FullyConnected(4, 3)), TypeError, "network must be a wide.FullyConnected"),
    "a module of images": (
        law(torch.nn.Conv2d(1, 1, 2), X.reshape(6, 1, 2, 2)),
        ValueError,
        r"network must output \(n, classes\), of two",
    ),
    "a module of one output": (law(torch.nn.Linear(4, 1)), ValueError, r"of two classes at least, got \(6, 1\) for"),
    "a module of other inputs": (law(torch.nn.Linear(3, 3)), ValueError, r"inputs of shape \(6, 4\) do not fit the"),
    "more labels than outputs": (law(torch.nn.Linear(4, 2)), ValueError, "labels must be below the number of classes"),
    "other classes than outputs": (
        law(torch.nn.Linear(4, 3), classes=4),
        ValueError,
        "classes must be the network's number of outputs, 3, got 4",
    ),
    "NaN into a module": (law(torch.nn.Linear(4, 3), X * np.nan), ValueError, "inputs must be finite"),
    "one class into a module": (
        law(torch.nn.Linear(4, 3), labels=np.full(6, 1)),
        ValueError,
        "labels must be of two classes at least",
    ),
    "NaN": (law(inputs=X * np.nan), ValueError, "inputs must be finite"),
    "a list": (law(inputs=X.tolist()), TypeError, "inputs must be a NumPy or torch array"),
    "one input": (law(inputs=X[0]), ValueError, r"inputs must have a batch axis, \(n, d\), got shape \(4,\)"),
    "images": (law(inputs=X.reshape(6, 1, 2, 2)), ValueError, r"inputs must have shape \(n, d\)"),
    "no inputs": (law(inputs=X[:0]), ValueError, "inputs must not be empty"),
    "too few labels": (law(labels=Y[:5]), ValueError, "labels must be one for each of the 6 inputs, got 5"),
    "labels in columns": (law(labels=np.eye(3)[Y].astype(int)), ValueError, r"labels must have shape \(n,\)"),
    "labels in words": (law(labels=np.array(list("abcabc"))), TypeError, "labels must hold integers"),
    "labels as floats": (law(labels=Y.astype(float)), TypeError, "labels must be integers, the numbers of classes"),
    "labels as a list": (law(labels=Y.tolist()), TypeError, "labels must be a NumPy or torch array"),
    "negative labels": (law(labels=Y - 1), ValueError, "labels must be numbers of classes, from 0, got -1"),
    "labels out of range": (law(classes=2), ValueError, "labels must be below the number of classes, 2, got 2"),
    "one class": (law(labels=np.full(6, 3)), ValueError, "labels must be of two classes at least.*got 3 only"),
    "one unit": (law(labels=Y % 2, classes=1), ValueError, "classes must be at least 2, got 1"),
    "classes a float": (law(classes=3.0), TypeError, "classes must be an integer"),
    "labels of another kind": (law(labels=torch.from_numpy(Y)), TypeError, "inputs and labels must be arrays of one"),
    "negative steps": (law(steps=[3, -1]), ValueError, "steps must be at least 0, got -1"),
    "no steps": (law(steps=[]), ValueError, "steps must not be an empty sequence"),
    "half a step": (law(steps=0.5), TypeError, "steps must be an integer"),
    "infinitely many": (law(steps=float("inf")), TypeError, "steps must be an integer"),
    "a bare rate": (law(optimizer=0.1), TypeError, "optimizer must be a GradientDescent, got float"),
    "an unstable rate": (
        law(optimizer=theory.GradientDescent(1e3), steps=10**4),
        OverflowError,
        "lr=1000.0 is unstable",
    ),
    "huge inputs": (law(inputs=X * 1e200), OverflowError, "float64's range"),
    "others of another size": (lambda: LAW.of(X[:, :3], Y), ValueError, "x must have 4 features as the training"),
    "one other": (lambda: LAW.of(X[0], Y[:1]), ValueError, "x must have a batch axis"),
    "others of another kind": (lambda: LAW.of(torch.from_numpy(X), Y), TypeError, "arrays of one kind"),
    "NaN among others": (lambda: LAW.of(X * np.nan, Y), ValueError, "x must be finite"),
    "others' labels out of range": (lambda: LAW.of(X, Y + 1), ValueError, "labels must be below the number of cl"),
    "others without labels": (lambda: LAW.of(X, Y[:2]), ValueError, "labels must be one for each of the 6 inputs"),
    "others of another size, of a module": (lambda: MODULE.of(X[:, :3], Y), ValueError, "do not fit the network"),
    "others of another kind, of a module": (lambda: MODULE.of(torch.from_numpy(X), Y), TypeError, "arrays of one kind"),
    "fraction 0": (lambda: LAW.steps_to(0), ValueError, r"fraction must be in \(0, 1\], got 0"),
    "fraction above 1": (lambda: LAW.steps_to(1.1), ValueError, r"fraction must be in \(0, 1\], got 1.1"),
    "a fraction in words": (lambda: LAW.steps_to("half"), TypeError, "fraction must be a real number"),
    "no networks": (lambda: LAW.overdispersion(0), ValueError, "networks must be at least 1, got 0"),
    "networks a float": (lambda: LAW.overdispersion(2.5), TypeError, "networks must be an integer"),
    "quantile above 1": (lambda: LAW.loss.quantile(1.5), ValueError, r"q must be in \[0, 1\], got 1.5"),
    "quantile NaN": (lambda: LAW.loss.quantile(float("nan")), ValueError, "q must be finite"),
    "momentum 1": (lambda: LAW.max_stable_lr(1.0), ValueError, r"momentum must be in \[0, 1\), got 1.0"),
    "negative steps later": (lambda: LAW.at(-1), ValueError, "steps must be at least 0"),
    "a bare rate later": (lambda: LAW.at(1, optimizer=0.1), TypeError, "optimizer must be a GradientDescent"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_in_a_sentence(name):
    call, kind, words = CASES[name]
    with pytest.raises(kind, match=words) as told:
        call()
    assert "\n" not in str(told.value)


def test_one_of_a_class_can_be_asked_about():
    assert LAW.of(X[:1], Y[:1]).probability.shape == (2, 1)

"""Figures of the third paper, computed at tiny sizes and held against the plainest way to the same numbers."""

import numpy as np
import pytest
import torch

import empirics
import theory
from paper_figures.figures.closer_look import learning
from paper_figures.workbench import Workbench
from tests.paper_figures.test_stored_figures import stored
from tests.paper_figures.tiny import TINY
from theory import wide
from theory.learning import learning_law


@pytest.fixture(scope="module")
def small_learning():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "NETWORKS": 3, "STEPS": (2, 5), "ASKED": 2, "SHOWN": 2,
            "SCATTERED": (("real digits", 2), ("real digits", 5), ("random labels", 2), ("random labels", 5)),
        }.items():  # fmt: skip
            patch.setattr(learning, name, value)
        data = learning.compute(Workbench(TINY))
        return data, learning.draw(data)


@pytest.mark.parametrize("kind", learning.KINDS)
def test_predicted_and_trained_are_of_the_same_networks(small_learning, kind):
    data, figure = small_learning
    inputs, labels = learning.examples(kind)
    network = wide.FullyConnected(2, scheme="default", bias=True, width=32, parameterization="standard")
    law = learning_law(network, inputs, labels, steps=0, optimizer=theory.GradientDescent(1.0))
    optimizer = theory.GradientDescent(0.5 * law.max_stable_lr())
    assert np.array_equal(data.arrays[f"probability_{kind}"], law.at((2, 5), optimizer=optimizer).probability)
    # Three networks by a loop in float64: float32 turns an answer only where outputs tie to its rounding.
    x, y = torch.from_numpy(inputs), torch.eye(10, dtype=torch.float64)[torch.from_numpy(labels)]
    right = np.zeros((2, 3, 200))
    open_ = np.zeros((2, 200), bool)
    for seed in range(3):
        torch.manual_seed(seed)
        model = empirics.FCN(196, 2, 32, out_features=10, bias=True)
        empirics.initialize(model, "default", seed)
        model = model.double()
        for t in range(1, 6):
            model.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= optimizer.lr * parameter.grad
            if t in (2, 5):
                outputs = model(x).detach().numpy()
                right[(2, 5).index(t), seed] = outputs.argmax(axis=1) == labels
                ahead = np.sort(outputs, axis=1)
                open_[(2, 5).index(t)] |= (
                    ahead[:, -1] - ahead[:, -2] < 1e-4
                )  # 5 steps of 196 roundings of 2⁻²⁴, passed on
    found, known = data.arrays[f"frequency_{kind}"], right.mean(axis=1)
    assert np.abs(found - known)[~open_].max() <= 1e-12
    assert open_.mean() < 0.05
    assert figure.axes


def test_measured_overdispersion_is_that_of_error_rates(small_learning):
    frequency = small_learning[0].arrays["frequency_real digits"]
    for row in frequency:
        chance = row.mean() * (1 - row.mean()) / learning.NETWORKS
        assert abs(learning.overdispersion(row[None])[0] / (row.var() / chance) - 1) <= 1e-12
    assert np.isnan(learning.overdispersion(np.ones((1, 4)))).all()


def test_of_real_digits_some_are_easy_for_all_networks_and_predicted_so():
    arrays = stored("learning").arrays
    real, labels, inputs = (arrays[f"energies_{kind}"][:10].sum() for kind in learning.KINDS)
    assert real > 5 * max(labels, inputs)
    early = arrays["steps"].tolist().index(4)
    spread = [learning.overdispersion(arrays[f"frequency_{kind}"])[early] for kind in learning.KINDS]
    assert spread[0] > 5 * spread[1] > 5 * 0.5 * spread[2]
    # Each share within what 48 coins of the predicted probability would give, but for one in a thousand.
    for kind, step in learning.SCATTERED[:1]:
        place = arrays["steps"].tolist().index(step)
        p, found = arrays[f"probability_{kind}"][place], arrays[f"frequency_{kind}"][place]
        assert np.mean(np.abs(found - p) > 3.3 * np.sqrt(p * (1 - p) / 48) + 1 / 48) <= 0.02

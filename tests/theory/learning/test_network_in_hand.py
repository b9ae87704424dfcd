"""The law of one network in particular is the course of its linearization; of one layer, of its training itself."""

import numpy as np
import pytest
import torch

import theory
from tests.theory.learning.test_learning_law import problem
from theory.learning import learning_law

GD = theory.GradientDescent(0.2, momentum=0.5, milestones=(6,), gamma=0.5)
STEPS = [0, 2, 15]


def network(inner=8):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, inner), torch.nn.Tanh(), torch.nn.Linear(inner, 3)).double()


def trained(layer, inputs, labels, steps):
    """A copy, trained by torch."""
    model = torch.nn.Linear(layer.in_features, layer.out_features).double()
    model.load_state_dict(layer.state_dict())
    x, y = torch.from_numpy(inputs), torch.nn.functional.one_hot(torch.from_numpy(labels)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=GD.lr, momentum=GD.momentum)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(GD.milestones), GD.gamma)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        schedule.step()
    return model


def test_one_layer_is_right_where_its_training_makes_it_so():
    inputs, labels = problem()
    torch.manual_seed(1)
    layer = torch.nn.Linear(5, 3).double()
    law = learning_law(layer, inputs, labels, steps=STEPS, optimizer=GD)
    other = law.of(inputs[:4] + 1, labels[:4])
    for index, t in enumerate(STEPS):
        model = trained(layer, inputs, labels, t)
        for found, x, y in ((law, inputs, labels), (other, inputs[:4] + 1, labels[:4])):
            outputs = model(torch.from_numpy(x)).detach().numpy()
            # 15 steps of some 30 rounded products each, on either side; no answer is as near to a tie.
            assert np.abs(found.mean[index] - outputs).max() <= 1e4 * 2.0**-52
            assert np.diff(np.sort(outputs, axis=1)[:, -2:]).min() > 1e5 * 2.0**-52
            assert np.array_equal(found.probability[index], outputs.argmax(axis=1) == y)
            loss = np.mean((outputs - np.eye(3)[y]) ** 2)
            assert abs(found.loss.mean[index] - loss) <= 1e4 * 2.0**-52
            assert abs(found.loss.quantile(0.3)[index] - loss) <= 1e4 * 2.0**-52
    assert np.all(law.variance == 0)


def test_a_deep_network_is_its_linearization():
    inputs, labels = problem()
    targets = np.eye(3)[labels]
    law = learning_law(network(), inputs, labels, steps=STEPS, optimizer=GD)
    linearized = theory.tangent.linearize(network(), inputs, targets)
    for index, t in enumerate(STEPS):
        assert np.array_equal(law.mean[index], linearized.after(steps=t, optimizer=GD)(inputs))
    assert abs(law.max_stable_lr(0.5) / linearized.max_stable_lr(0.5) - 1) <= 4 * 2.0**-52
    assert law.steps_to(0.01) is not None


@pytest.mark.parametrize("inner", [1, 8])
def test_mode_energies_are_those_along_the_jacobians_directions(inner):
    """With one hidden unit there are fewer parameters (12) than outputs (36), and labels are not all in their reach."""
    inputs, labels = problem()
    law = learning_law(network(inner), inputs, labels, steps=0, optimizer=GD)
    kernel = theory.tangent.linearize(network(inner), inputs, np.eye(3)[labels]).kernel
    told = (np.eye(3)[labels] - 1 / 3).ravel()
    values, vectors = np.linalg.eigh(kernel)
    known = (vectors.T @ told)[::-1] ** 2 / (told @ told)
    count = min(len(values), 12 if inner == 1 else 36)
    assert len(law.mode_energies) == count
    # Single directions are known where eigenvalues are apart: the sums up to the largest gaps.
    gaps = np.argsort(np.diff(values[::-1][:count]))[:3] + 1
    bound = 1e3 * 2.0**-52 * values[-1] / np.abs(np.diff(values[::-1]))[gaps - 1].min()
    assert np.abs([law.mode_energies[:g].sum() - known[:g].sum() for g in gaps]).max() <= bound
    if inner == 8:
        assert abs(law.mode_energies.sum() - 1) <= 1e-13


def test_its_weights_are_left_as_they_are_and_tensors_come_back_as_such():
    inputs, labels = problem()
    model = network().float()
    before = [value.clone() for value in model.parameters()]
    law = learning_law(model, torch.from_numpy(inputs).float(), torch.from_numpy(labels), steps=STEPS, optimizer=GD)
    assert law.probability.dtype == law.mode_energies.dtype == torch.float32
    assert all(torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))
    assert next(model.parameters()).dtype == torch.float32

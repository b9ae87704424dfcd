"""Real networks linearized at their own weights: exact for one layer, near for short times and large widths.

One network's outputs f on the training inputs, N numbers, move by f(θ_{s+1}) = f(θ_s) − (2η/N) K_s r_s, r = f − Y, with
K_s = Ĵ_s J_sᵀ and Ĵ_s the Jacobian averaged over the step. The linearization's residual ρ moves by Θ₀ = J_0 J_0ᵀ.
So d = r − ρ obeys d_{s+1} = (I − (2η/N) K_s) d_s − (2η/N) (K_s − Θ₀) ρ_s, and

    |d_t| ≤ (2η/N) Σ_s  Π_{u > s} ‖I − (2η/N) K_u‖ · ‖K_s − Θ₀‖ · |ρ_s|.

The bound is computed from the run itself, after the event: what it verifies is that nothing else drives the two apart.
"""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import functional_call, jacrev

import empirics
import theory
from tests.bounds import Rounding
from tests.cases import descents, images, seeds
from tests.claims.beyond.test_wide import check_approach
from tests.claims.deep_networks import FIRST_SEED, MEMBERS
from tests.claims.one_layer import OneLayerTraining, from_any_weights, schemes
from verification import claim

L_EXACT = claim(
    "L.exact",
    statement="For a network that is linear in its weights the linearization at its initial weights is the training "
    "itself: after any number of steps its weights are those of the really trained network.",
    source="theory.tangent; theory/derivations (linear-model, momentum)",
)
L_NEAR = claim(
    "L.near",
    statement="A deep network's outputs on its training inputs leave those of its linearization by no more than the "
    "change of its tangent kernel along the way drives them apart.",
    source="ours, derived at the head of tests/claims/beyond/test_tangent.py; the kernel's drift: Lee et al. 2019",
)
L_WIDTH = claim(
    "L.width",
    statement="Really trained networks are nearer to their own linearizations the wider they are.",
    source="Lee et al. 2019, theorem 2.1",
)


@L_EXACT
@given(
    features=st.integers(1, 6), outputs=st.integers(1, 3), examples=st.integers(1, 4), bias=st.booleans(),
    descent=descents(steps=40), scheme=schemes, seed=seeds, data=st.data(),
)  # fmt: skip
def test_linearized_one_layer_networks_are_the_trained_ones(
    features, outputs, examples, bias, descent, scheme, seed, data, ledger
):
    network = theory.FullyConnected(features, outputs, bias=bias)
    inputs, targets = data.draw(images((examples, features))), data.draw(images((examples, outputs)))
    run = data.draw(from_any_weights(OneLayerTraining(network, inputs, targets, descent, 40, scheme, seed % 1000)))
    start = {name: np.asarray(value) for name, value in run.trained.initial_weights.items()}
    linearized = theory.tangent.linearize(run.make_model(), inputs, targets, weights=start)
    found = linearized.after(steps=run.steps, optimizer=run.optimizer)
    off = [np.asarray(run.trained.weights[name])[0] - found.weights[name][0] for name in start]
    # The linearization is one model of one output unit whose design is the Jacobian, of a column for each weight.
    jacobian = np.kron(run.design, np.eye(outputs))
    flat = run.flat(run.trained.initial_weights).reshape(1, -1)
    closed = Rounding.of(jacobian, run.responses.reshape(-1, 1), flat, run.optimizer, steps=run.steps)
    measured = np.sqrt(sum(np.sum(part**2) for part in off))
    ledger.agree(measured, run.rounding.weights[-1] + closed.weights[-1], what="weights", shape=inputs.shape)


NODES, SHARES = np.polynomial.legendre.leggauss(6)  # exact to degree 11 along a step


def jacobian(network, weights, x) -> np.ndarray:
    """J of all outputs in all weights, by torch's reverse mode."""
    found = jacrev(lambda parameters: functional_call(network, parameters, (x,)).flatten())(weights)
    return np.concatenate([found[name].flatten(1).detach().numpy() for name in weights], axis=1)


@L_NEAR
@given(depth=st.integers(2, 3), fraction=st.sampled_from([0.05, 0.3, 0.9]), seed=seeds, data=st.data())
def test_outputs_leave_the_linearization_by_what_the_kernel_moves(depth, fraction, seed, data, ledger):
    x, y = (torch.from_numpy(data.draw(images((3, 4)))) for _ in range(2))
    make_model = lambda: empirics.FCN(4, depth, 8, bias=True, activation="tanh")  # noqa: E731
    steps = 8
    settings = {"momentum": 0.0, "decay_at": (), "precision": "float64", "scheme": "default"}
    start = empirics.train(
        make_model, x, y, recipe=empirics.Recipe(steps=0, **settings), seeds=(seed % 1000,), progress=False
    )
    linearized = theory.tangent.linearize(make_model(), x, y, weights=start.initial_weights)
    lr = float(fraction * linearized.max_stable_lr()[0])
    trained = empirics.train(
        make_model, x, y, recipe=empirics.Recipe(lr=lr, steps=steps, **settings), seeds=(seed % 1000,),
        snapshots=range(steps + 1), progress=False,
    )  # fmt: skip
    network = make_model().double()
    path = [{name: value[0] for name, value in trained.snapshots[step].items()} for step in range(steps + 1)]
    outputs = [functional_call(network, weights, (x,)).detach().numpy().ravel() for weights in path]
    jacobians = [jacobian(network, weights, x) for weights in path[:-1]]
    entries, first = y.numel(), jacobians[0] @ jacobians[0].T
    optimizer = theory.GradientDescent(lr)
    bound = 0.0
    for step in range(steps):
        ends = path[step], path[step + 1]
        averaged = sum(
            share / 2 * jacobian(network, {n: a + (node + 1) / 2 * (ends[1][n] - a) for n, a in ends[0].items()}, x)
            for node, share in zip(NODES, SHARES, strict=True)
        )
        kernel = averaged @ jacobians[step].T
        rho = linearized.after(steps=step, optimizer=optimizer)(x)[0].numpy().ravel() - y.numpy().ravel()
        passed_on = np.linalg.norm(np.eye(entries) - 2 * lr / entries * kernel, 2)
        bound = passed_on * bound + 2 * lr / entries * np.linalg.norm(kernel - first, 2) * np.linalg.norm(rho)
    then = linearized.after(steps=steps, optimizer=optimizer)(x)[0].numpy().ravel()
    size = np.linalg.norm(outputs[-1]) + np.linalg.norm(y.numpy())
    # Some hundred rounded products a step on either side; a network whose outputs do not move leaves by these alone.
    rounding = steps * 1000 * 2.0**-52 * (size + max(map(np.linalg.norm, outputs)))
    ledger.agree(np.linalg.norm(outputs[-1] - then), bound + rounding, what="outputs", depth=depth, fraction=fraction)


@L_WIDTH
def test_wide_networks_are_nearer_to_their_linearizations(ledger):
    rng = np.random.default_rng(5)
    x_hat, x = rng.standard_normal((1, 6)), rng.standard_normal((5, 6))
    widths, found = (16, 64, 256), []
    settings = {"momentum": 0.0, "decay_at": (), "precision": "float64", "scheme": "kaiming_normal"}
    for width in widths:
        make_model = lambda n=width: empirics.FCN(6, 2, n)  # noqa: E731
        members = range(FIRST_SEED, FIRST_SEED + MEMBERS)
        start = empirics.train(
            make_model, x_hat, recipe=empirics.Recipe(steps=0, **settings), seeds=members, progress=False
        )
        linearized = theory.tangent.linearize(make_model(), x_hat, weights=start.initial_weights)
        lr = float(0.2 * linearized.max_stable_lr().min())  # one rate for all members
        trained = empirics.train(
            make_model, x_hat, recipe=empirics.Recipe(lr=lr, steps=60, **settings), seeds=members, progress=False
        )
        predicted = linearized.after(steps=60, optimizer=theory.GradientDescent(lr))(x)
        found.append(np.sqrt(np.mean((trained.predict(x) - predicted).reshape(MEMBERS, -1) ** 2, axis=1)))
    check_approach(ledger, widths, np.array(found).T, "2 layers")

"""Trained images as attractors: where iterating a network that has learned three digits leads."""

from functools import cache

import numpy as np
import pytest
import torch

import empirics
from tests.bounds import UNIT_ROUNDOFF, gamma
from tests.claims.deep_networks import FCN, LEARNED, Study, at_each_scale, more_often
from verification import claim

CONTRACTIVE = claim(
    "E.contractive",
    statement="A deep ReLU FCN with biases that has learned three digits contracts near each of them (the Jacobian's "
    "spectral radius is below 1), and iterating it leads from a noisy digit back to the digit.",
    source="Radhakrishnan, Belkin, Uhler 2020; conditions ours",
)
HOMOGENEOUS = claim(
    "E.contractive-needs-biases",
    statement="Without biases a ReLU network f has J(x)x = f(x): at an image that it reproduces its Jacobian has "
    "eigenvalue 1 and a norm of at least 1, so that no image is an isolated attractor.",
    source="ours: Euler's theorem for positively homogeneous functions",
)

THREE = (7, 0, 1)
NOISE = 0.1  # standard deviation, of pixels in [0, 1]
U = UNIT_ROUNDOFF["float64"]


@cache
def radii_and_norms(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """The Jacobian's spectral radius and norm at each digit learned, (members, digits), by dense algebra."""
    images = torch.from_numpy(study.training_images).flatten(1).to(study.device)
    radii, norms = np.empty((2, study.members, len(images)))
    for index in range(study.members):
        network = study.ensemble.member(index).double().requires_grad_(False)
        for number, image in enumerate(images):
            jacobian = torch.func.jacrev(lambda x, f=network: f(x[None])[0])(image).cpu().numpy()
            radii[index, number] = np.abs(np.linalg.eigvals(jacobian)).max()
            norms[index, number] = np.linalg.norm(jacobian, 2)
    return radii, norms


@CONTRACTIVE
@at_each_scale
@pytest.mark.parametrize("depth", [3, 6])
def test_the_jacobians_spectral_radius_is_below_one(depth, scale, ledger):
    study = scale.fcn(depth, bias=True, trained_on=THREE, steps=300)
    radius, norm = radii_and_norms(study)
    ledger.note(f"{study.summary()}; spectral radius up to {radius.max():.2f}, norm from {norm.min():.2f}")
    more_often(ledger, (radius < 1).all(axis=1), among=study.learned, study=str(study))


@CONTRACTIVE
@at_each_scale
def test_noisy_digits_lead_back(scale, ledger):
    study = scale.fcn(6, bias=True, trained_on=THREE, steps=300)
    images = study.training_images.reshape(3, -1)
    noisy = images + NOISE * np.random.default_rng(0).normal(size=images.shape)
    returned = np.zeros(study.members, dtype=bool)
    for index in range(study.members):
        found = empirics.attractors(study.ensemble.member(index), noisy, 500)
        miss = found.points.cpu().numpy() - images
        # As near as a mean squared error of LEARNED of the zero function's, which is what counts as learned.
        near = np.square(miss).mean(1) <= LEARNED * np.square(images).mean()
        returned[index] = bool(found.attracted.all()) and len(found.attractors) == 3 and near.all()
    more_often(ledger, returned, among=study.learned, study=str(study), noise=NOISE)


@CONTRACTIVE
@at_each_scale
def test_bounded_activations_do_not_contract(scale, ledger):
    """The condition that the claim needs: with tanh some digit repels, though all are learned."""
    study = scale.fcn(6, bias=True, trained_on=THREE, steps=300, activation="tanh")
    radius, norm = radii_and_norms(study)
    ledger.note(
        f"not so with tanh: {study.summary()}; spectral radius from {radius.max(1).min():.2f} at the least contracted "
        f"digit, norm from {norm.min():.2f}"
    )
    more_often(ledger, (radius > 1).any(axis=1), among=study.learned, study=str(study))


@HOMOGENEOUS
@pytest.mark.parametrize("kind", ["FCN", "CNN"])
def test_the_jacobian_maps_the_image_to_its_answer(kind, ledger):
    study = FCN(6, trained_on=THREE) if kind == "FCN" else Study("CNN", 3, 8)
    for index in range(4):
        network = study.ensemble.member(index).double()
        for image in torch.from_numpy(study.training_images):
            x = image.flatten() if study.flat else image
            answer, pushed = _answer_and_derivative(network, x)
            # |W_L|···|W₁||x| γ_n bounds the rounding of either (Higham, section 3.5), n the additions on a path.
            size = _absolute(network, x)
            additions = sum(parameter[0].numel() + 1 for parameter in network.parameters())
            ledger.agree((pushed - answer).abs(), 2 * gamma(additions, U) * size, kind=kind, member=index)
            stretched = float(pushed.norm() / x.norm())
            reached = float((answer - x).norm() / x.norm())
            ledger.agree(max(0.0, 1 - stretched), reached + 2 * gamma(additions, U) * float(size.norm() / x.norm()))


def _answer_and_derivative(network, x):
    """f(x), and J(x)x by reverse mode twice."""
    answer = network(x[None])[0]

    def pulled(u):
        return torch.func.vjp(lambda v: network(v[None])[0], x)[1](u)[0]

    return answer.detach(), torch.func.vjp(pulled, torch.zeros_like(answer))[1](x)[0].detach()


def _absolute(network, x):
    """|W_L|···|W₁||x|."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
        size = network(x.abs()[None])[0]
    return size

"""Is a network a contraction near an image? The spectrum of its Jacobian."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn
from torch.func import vjp, vmap

from empirics.arguments import integer, real
from empirics.measures.activations import given_to
from empirics.networks.architecture import outputs_of

BLOCK = 8


@dataclass(frozen=True, eq=False)
class JacobianSpectrum:
    """How a network's Jacobian J stretches small changes of each image. Below 1 the network is a contraction there.

    Attributes:
        norm: the spectral norm ‖J‖₂, the largest singular value, (n,). It is approached from below.
        radius: the spectral radius, the largest modulus of an eigenvalue, (n,).
        norm_residual: ‖JᵀJv − σ²v‖/σ² at the singular vector found, (n,): some singular value is as near σ as that.
        radius_residual: ‖JV − VH‖/radius, (n,), V spanning the subspace found and H = VᵀJV.
    """

    norm: Float[Tensor, " n"]
    radius: Float[Tensor, " n"]
    norm_residual: Float[Tensor, " n"]
    radius_residual: Float[Tensor, " n"]


def jacobian_spectrum(
    model: nn.Module, images: Num[Any, "..."], *, iterations: int = 200, tolerance: float | None = None, seed: int = 0
) -> JacobianSpectrum:
    """Return the spectral norm and radius of a network's Jacobian at some images, by power iteration.

    It iterates on a block of 8 directions at once, orthogonalized in each step (of d where d is less): V ← qr(JᵀJ V),
    and V ← qr(J V) for the radius, whose leading eigenvalues are most often a complex pair, which a single direction
    never settles on. Jᵀu is a reverse-mode derivative and Jv one of that: J is never formed. The error falls by
    (σ₉/σ₁)² and |λ₉/λ₁| a step.

    A network without biases whose activation is positively homogeneous, such as relu, has f(cx) = c f(x), and so
    J(x)x = f(x) (Euler): where it reproduces x, J has the eigenvalue 1, and the network is no contraction there.

    Args:
        model: a network whose outputs have its inputs' shape.
        images: (n, C, H, W) or (C, H, W) for a network with convolutions, else (n, d) or (d,).
        iterations: at most so many steps for each image.
        tolerance: of the residuals, at which to stop earlier; None for √ε of the model's dtype, which leaves the norm,
            whose error is the residual's square over its gap to the next, about as exact as the dtype can say.
        seed: of the directions to begin with.

    Returns:
        Norm and radius, with their residuals, in the model's dtype.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images that do not fit the network, or outputs that are not finite or of another shape than inputs.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> layer = nn.Linear(2, 2, bias=False)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.5]]))
        >>> jacobian_spectrum(layer, torch.ones(1, 2)).norm.round(decimals=4).tolist()
        [3.0]

    Source: Radhakrishnan et al. 2020, "Overparameterized neural networks implement associative memory"; orthogonal
        iteration: Golub and Van Loan, section 7.3.2.
    """
    batch = with_outputs_alike(model, "images", images)
    iterations = integer("iterations", iterations)
    threshold = residual_tolerance(tolerance, batch.dtype)
    with torch.no_grad():
        if not bool(torch.isfinite(outputs_of(model, batch)).all()):
            raise ValueError("model must return finite outputs, got NaN or infinity: it may have diverged")
    generator = torch.Generator().manual_seed(integer("seed", seed, least=0))
    found = []
    with frozen(model):
        for image in batch:
            size = image.numel()
            start = torch.randn(size, min(BLOCK, size), dtype=torch.float64, generator=generator).to(batch)
            forward, backward = _derivatives(model, image)
            squared, norm_residual = _iterate(_composed(backward, forward), start, iterations, threshold)
            radius, radius_residual = _iterate(forward, start, iterations, threshold)
            found.append(torch.stack([squared.sqrt(), radius, norm_residual, radius_residual]))
    return JacobianSpectrum(*torch.stack(found, dim=1))


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """While the block runs, derivatives are taken by inputs alone, not by weights."""
    flags = [parameter.requires_grad for parameter in model.parameters()]
    try:
        model.requires_grad_(False)
        yield
    finally:
        for parameter, flag in zip(model.parameters(), flags, strict=True):
            parameter.requires_grad_(flag)


Linear = Callable[[Tensor], Tensor]


def _derivatives(model: nn.Module, image: Tensor) -> tuple[Linear, Linear]:
    """V ↦ JV and U ↦ JᵀU at an image, for columns (entries, k)."""

    def outputs(x: Tensor) -> Tensor:
        return outputs_of(model, x.unflatten(0, image.shape)[None]).flatten()

    def transposed(u: Tensor) -> Tensor:
        return vjp(outputs, image.flatten())[1](u)[0]

    # Jv by reverse mode twice: u ↦ Jᵀu is linear, and its own transpose is J. Forward mode would warn, being built on
    # a part of torch that is deprecated.
    zero = torch.zeros_like(image).flatten()
    twice = vjp(transposed, zero)[1]
    return vmap(lambda v: twice(v)[0], in_dims=1, out_dims=1), vmap(transposed, in_dims=1, out_dims=1)


def _composed(outer: Linear, inner: Linear) -> Linear:
    return lambda directions: outer(inner(directions))


def _iterate(apply: Linear, start: Tensor, iterations: int, tolerance: float) -> tuple[Tensor, Tensor]:
    """The largest modulus of a linear map's eigenvalues, and the relative residual of the subspace found for it."""
    directions, _ = torch.linalg.qr(start)
    for _ in range(iterations):
        image = apply(directions)
        small = directions.T @ image
        values, vectors = torch.linalg.eig(small)
        leading = values.abs().argmax()
        modulus = values[leading].abs()
        vector = vectors[:, leading]
        off = torch.linalg.vector_norm((image - directions @ small).to(vector.dtype) @ vector)
        if not modulus > 0:
            return modulus, image.norm()  # a nilpotent or zero map: nothing to divide by
        residual = off / modulus
        if residual <= tolerance:
            break
        directions, _ = torch.linalg.qr(image)
    return modulus, residual


def residual_tolerance(tolerance: float | None, dtype: torch.dtype) -> float:
    """A checked tolerance of relative residuals; None for √ε of the dtype.

    Raises:
        TypeError: not a real number.
        ValueError: negative, or not finite.
    """
    if tolerance is None:
        return math.sqrt(torch.finfo(dtype).eps)
    if real("tolerance", tolerance) < 0:
        raise ValueError(f"tolerance must not be negative, got {tolerance}")
    return tolerance


def with_outputs_alike(model: nn.Module, name: str, images: Any) -> Tensor:
    """Checked images for a model whose outputs have its inputs' shape, see `given_to`.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images that do not fit the network, or outputs of another shape than inputs.
    """
    batch = given_to(model, name, images)
    with torch.no_grad():
        shape = tuple(outputs_of(model, batch[:2]).shape[1:])
    if shape != tuple(batch.shape[1:]):
        raise ValueError(f"model must return outputs of its inputs' shape, {tuple(batch.shape[1:])}, got {shape}")
    return batch

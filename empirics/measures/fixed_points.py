"""Where does iterating a network lead? Its fixed points, and which of them attract."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor, nn
from torch.func import jacrev

from empirics.arguments import integer
from empirics.measures.jacobian import frozen, residual_tolerance, with_outputs_alike
from empirics.networks.architecture import outputs_of

NEWTON_STEPS = 10  # each squares the error: from √ε two do, and kinks may cost some
ROWS = 64  # of a Jacobian at a time
DIRECTIONS = 8  # in which a kink is looked for


@dataclass(frozen=True, eq=False)
class Attractors:
    """Where iterating a network f led from some images: fixed points x* = f(x*), and which of them attract.

    Attributes:
        points: the last iterates, (n, C, H, W) or (n, d).
        residuals: ‖f(x) − x‖ / ‖x‖ there, (n,); NaN for an orbit that left the numbers.
        which: for each of them the number of the fixed point that it converged to; −1 where none was found, (n,).
        distances: ‖x − x*‖ to that fixed point, (n,); NaN where none was found.
        fixed_points: the distinct fixed points, (k, ...), in the order in which they were first met.
        radii: the spectral radius of the Jacobian there, (k,); see `attractors` where f is not smooth.
        attracting: whether the radius is below 1, decidedly: all orbits that come near end there, (k,).
        undecided: whether the radius is 1 to within rounding, which leaves stability open, (k,). A fixed point that is
            neither attracting nor undecided repels: orbits leave it in some direction.
    """

    points: Float[Tensor, "n ..."]
    residuals: Float[Tensor, " n"]
    which: Int[Tensor, " n"]
    distances: Float[Tensor, " n"]
    fixed_points: Float[Tensor, "k ..."]
    radii: Float[Tensor, " k"]
    attracting: Bool[Tensor, " k"]
    undecided: Bool[Tensor, " k"]

    @property
    def attractors(self) -> Float[Tensor, "m ..."]:
        """The fixed points that attract, (m, ...)."""
        return self.fixed_points[self.attracting]

    @property
    def fixed(self) -> Bool[Tensor, " n"]:
        """Whether an orbit converged to a fixed point, attracting or not, (n,)."""
        return self.which >= 0

    @property
    def attracted(self) -> Bool[Tensor, " n"]:
        """Whether an orbit converged to an attractor, (n,)."""
        return torch.isin(self.which, self.attracting.nonzero().flatten())


def attractors(
    model: nn.Module, images: Num[Any, "..."], iterations: int = 1000, *, tolerance: float | None = None
) -> Attractors:
    """Iterate x ← f(x) from some images, find the fixed points that this leads to, and tell which attract.

    A small step ‖f(x) − x‖ is no fixed point yet: where f contracts by q, one may be as far as ‖f(x) − x‖/(1 − q), and
    where f does not contract a small step says still less. So where an orbit has come to rest, the steps that it would
    go on to make are summed, δ = Σ Jᵏ (f(x) − x) = (I − J)⁻¹ (f(x) − x), J the Jacobian at x: Newton's step. Its
    length is at most ‖f(x) − x‖/(1 − ‖J‖) where ‖J‖ < 1, and the formula also holds where f repels. It is repeated
    until ‖δ‖ ≤ tolerance · ‖x‖, x the end of the orbit: a fixed point is located as exactly as that, however slow the
    orbit. One that is further than twice the first δ is not the orbit's (Kantorovich), and not counted. Two within the
    sum of their tolerances are one. For an affine map the first step is exact. Where fixed points are not isolated, as
    the multiples of one are in a network without biases, I − J is singular to within rounding, and the one nearest to
    the orbit's end is taken: the shortest δ, provided that f(x) = x to within rounding in the directions left open.

    A fixed point attracts if the spectral radius ρ(J) there is below 1, and repels if it is above. That is decided
    where every matrix within rounding of J, ‖E‖ ≤ d ε ‖J‖, says the same. To move the leading eigenvalue λ to the
    unit circle, at λ/|λ|, E must make every z on the segment between them an eigenvalue in turn, and z is one only
    if ‖E‖ ≥ 1/‖(zI − J)⁻¹‖, however sensitive the eigenvalues are. Otherwise, as where the radius is 1, it is
    undecided: J does not tell.

    A network of ReLUs has kinks, at which J is that of one side. The greater radius of the fixed point and of the
    orbit's end counts. Small steps from the fixed point in a few directions are tried: where f makes one longer, and
    differs from J by as much as the margin 1 − ρ(J), it is undecided. So 0, where a network without biases has no
    derivative but torch says J = 0, does not pass for an attractor unless f contracts there.

    Args:
        model: a network whose outputs have its inputs' shape.
        images: (n, C, H, W) or (C, H, W) for a network with convolutions, else (n, d) or (d,).
        iterations: at most so many steps; fewer if all orbits have converged before.
        tolerance: residual ‖f(x) − x‖ / ‖x‖ at which an orbit counts as converged, and how exactly fixed points are
            located, relative to ‖x‖; None for √ε of the model's dtype. An orbit that would leave a repelling fixed
            point again, as near as that, counts as converged to it; one that shrinks towards 0 by a constant factor a
            step converges only when it underflows.

    Returns:
        The ends of the orbits, the fixed points, and which attract. J is formed: d² numbers for images of d entries.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: images that do not fit the network, outputs of another shape than inputs, or a model in less than
            float32.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> halving = nn.Linear(2, 2)
        >>> _ = halving.weight.data.copy_(torch.eye(2) / 2), halving.bias.data.zero_()
        >>> found = attractors(halving, torch.tensor([[1.0, 2.0]]))
        >>> found.attracting.tolist(), found.fixed_points.abs().max().item() < 1e-6
        ([True], True)

    Source: Radhakrishnan et al. 2020, "Overparameterized neural networks implement associative memory"; the distance
        that Newton's method covers: Kantorovich's theorem; the radius within rounding: Trefethen and Embree, section 2.
    """
    x = with_outputs_alike(model, "images", images)
    if x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"model must be in float32 or float64, got {x.dtype}")
    threshold = residual_tolerance(tolerance, x.dtype)
    with torch.no_grad():
        residuals = _residuals(x, following := outputs_of(model, x))
        for _ in range(integer("iterations", iterations, least=0)):
            if bool(((residuals <= threshold) | residuals.isnan()).all()):
                break
            x = following
            residuals = _residuals(x, following := outputs_of(model, x))
    which = torch.full((len(x),), -1, dtype=torch.int64, device=x.device)
    distances = torch.full_like(residuals, torch.nan)
    found: list[Tensor] = []
    within: list[float] = []
    judged: list[tuple[float, bool]] = []
    with frozen(model):
        for index in (residuals <= threshold).nonzero().flatten().tolist():
            end, exactness = x[index], threshold * _length(x[index])
            point = _fixed_point(model, end, exactness)
            if point is None:
                continue
            close = (_length(point - other) <= exactness + its for other, its in zip(found, within, strict=True))
            number = next((k for k, same in enumerate(close) if same), len(found))
            if number == len(found):
                found.append(point)
                within.append(exactness)
                judged.append(_judged(model, point, end))
            which[index], distances[index] = number, _length(end - found[number])
    radii = x.new_tensor([radius for radius, _ in judged])
    undecided = torch.tensor([near for _, near in judged], dtype=torch.bool, device=x.device)
    fixed_points = torch.stack(found) if found else x[:0]
    return Attractors(x, residuals, which, distances, fixed_points, radii, (radii < 1) & ~undecided, undecided)


def _residuals(x: Tensor, following: Tensor) -> Float[Tensor, " n"]:
    """‖f(x) − x‖ / ‖x‖; 0 for a zero image that stays one, NaN where an entry is not finite."""
    x, following = x.flatten(1), following.flatten(1)
    # Scaled first, so that no square of a huge or a tiny entry leaves the numbers.
    largest = torch.maximum(x.abs().amax(1), following.abs().amax(1))[:, None]
    change = ((following - x) / largest).norm(dim=1) / (x / largest).norm(dim=1)
    residual = torch.where((following == x).all(1), 0.0, change)
    return torch.where(largest[:, 0].isfinite(), residual, torch.nan)


def _length(vector: Tensor) -> float:
    """The norm, also where the squares would overflow or vanish."""
    largest = float(vector.abs().max())
    return largest * float((vector / largest).norm()) if largest > 0 else 0.0


def _fixed_point(model: nn.Module, end: Tensor, exactness: float) -> Tensor | None:
    """The fixed point that an orbit converged to, by Newton's method; None where it does not lead to one."""
    x, reach = end, None
    for _ in range(NEWTON_STEPS):
        with torch.no_grad():
            step = (outputs_of(model, x[None])[0] - x).flatten()
        if not step.any():
            return x
        jacobian = _jacobian(model, x)
        if not bool(jacobian.isfinite().all()):
            return None
        move, left = _newton(jacobian, step)
        length = _length(move)
        reach = 2 * length if reach is None else reach
        if not left <= _rounding(jacobian) * _length(x):
            return None
        x = x + move.reshape(x.shape)
        if not _length(x - end) <= reach + exactness:  # also NaN
            return None
        if length <= exactness:
            return x
    return None


def _newton(jacobian: Tensor, step: Tensor) -> tuple[Tensor, float]:
    """The shortest δ with (I − J) δ = step, and the length of the part of the step for which there is none.

    Directions in which I − J is 0 to within rounding are left open.
    """
    u, values, vt = torch.linalg.svd(torch.eye(len(step)).to(step) - jacobian)
    known = values > _rounding(jacobian)
    parts = u.T @ step
    return vt[known].T @ (parts[known] / values[known]), _length(parts[~known]) if bool((~known).any()) else 0.0


def _rounding(jacobian: Tensor) -> float:
    """How far rounding may move I − J."""
    return len(jacobian) * torch.finfo(jacobian.dtype).eps * max(1.0, float(jacobian.norm()))


def _jacobian(model: nn.Module, image: Tensor) -> Float[Tensor, "d d"]:
    def outputs(x: Tensor) -> Tensor:
        return outputs_of(model, x.unflatten(0, image.shape)[None]).flatten()

    return jacrev(outputs, chunk_size=ROWS)(image.flatten())


def _judged(model: nn.Module, point: Tensor, end: Tensor) -> tuple[float, bool]:
    """The spectral radius at a fixed point, and whether it is undecided; see `attractors`."""
    radius, undecided = max(_radius(_jacobian(model, place)) for place in (point, end))
    return radius, undecided or (radius < 1 and _kinked(model, point, 1 - radius))


def _kinked(model: nn.Module, point: Tensor, margin: float) -> bool:
    """Whether among some small steps v, there and back, f makes one longer and is off J v by the margin or more."""
    generator = torch.Generator().manual_seed(0)
    ways = torch.randn(DIRECTIONS, point.numel(), dtype=torch.float64, generator=generator).to(point)
    ways = torch.cat([ways, -ways]) / ways.norm(dim=1).repeat(2)[:, None]
    size = math.sqrt(torch.finfo(point.dtype).eps) * (_length(point) or 1.0)
    with torch.no_grad():
        around = outputs_of(model, point + size * ways.reshape(-1, *point.shape))
        moved = (around - outputs_of(model, point[None])).flatten(1) / size
    beside = moved - ways @ _jacobian(model, point).T
    return bool((moved.norm(dim=1) >= 1).any() and (beside.norm(dim=1) >= margin).any())


def _radius(jacobian: Tensor) -> tuple[float, bool]:
    """The spectral radius, and whether it is left open on which side of 1 it is; see `attractors`."""
    if not bool(jacobian.isfinite().all()):
        return math.nan, True
    values = torch.linalg.eigvals(jacobian)
    leading = values[values.abs().argmax()]
    radius, size = float(leading.abs()), len(jacobian)
    rounding = size * torch.finfo(jacobian.dtype).eps * jacobian.norm()
    onto = leading / radius if radius > 0 else torch.ones_like(leading)
    # Another eigenvalue may lie at one of the places on the way to the circle, and says nothing of this one.
    for place in (onto, (2 * onto + leading) / 3, (onto + 2 * leading) / 3):
        resolvent, singular = torch.linalg.inv_ex(place * torch.eye(size).to(values) - jacobian)
        # The Frobenius norm is at least the spectral norm: in doubt it is undecided.
        if not singular and float(rounding * resolvent.norm()) < 1:
            return radius, False
    return radius, True

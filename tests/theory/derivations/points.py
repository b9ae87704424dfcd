"""For every derivation, points that satisfy its assumptions: built from first principles, with fractions.

Matrices with a known spectrum come from reflections: ``H₁ diag(σ) H₂`` has the rational singular values σ, and its
pseudoinverse is ``H₂ᵀ diag(1/σ) H₁ᵀ``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import numpy as np

from tests.theory.derivations.evaluation import FAR, Point

Matrix = np.ndarray
EXACT = 10  # steps of gradient descent with fractions, more than any index but the one that stands for infinity


def array(rows: int, columns: int, entry: Callable[[int, int], Any]) -> Matrix:
    table = np.empty((rows, columns), dtype=object)
    for i, j in itertools.product(range(rows), range(columns)):
        table[i, j] = Fraction(entry(i, j))
    return table


def integers(random: Random, rows: int, columns: int) -> Matrix:
    return array(rows, columns, lambda *_: random.randint(-3, 3))


def identity(size: int) -> Matrix:
    return array(size, size, lambda i, j: i == j)


def reflection(random: Random, size: int) -> Matrix:
    """``I − 2 v vᵀ / vᵀv``, orthogonal and rational."""
    v = array(size, 1, lambda *_: random.choice((-2, -1, 1, 2, 3)))
    return identity(size) - 2 * (v @ v.T) / (v.T @ v)[0, 0]


def diagonal(rows: int, columns: int, values: list[Fraction]) -> Matrix:
    return array(rows, columns, lambda i, j: values[i] if i == j and i < len(values) else 0)


def orthonormal(random: Random, rows: int, columns: int) -> Matrix:
    return reflection(random, rows)[:, :columns]


def trace(matrix: Matrix) -> Fraction:
    return sum(matrix[i, i] for i in range(len(matrix)))


def sequence(first: list[Any], following: Callable[[list[Any], int], Any]) -> Callable[[int], Any]:
    """Terms by index: the first ones, then ``following(all terms so far, index of the last)``."""
    terms = list(first)

    def term(index: int) -> Any:
        while len(terms) <= index:
            terms.append(following(terms, len(terms) - 1))
        return terms[index]

    return term


def draws(rows: int, columns: int, law: list[tuple[Any, Any]]) -> list[tuple[Any, Matrix]]:
    """All values of a matrix with independent entries of a discrete law, with their probabilities."""
    found = []
    for entries in itertools.product(law, repeat=rows * columns):
        table = np.empty((rows, columns), dtype=object)
        table.ravel()[:] = [entry for _, entry in entries]
        found.append((math.prod((chance for chance, _ in entries), start=Fraction(1)), table))
    return found


def descent(first: Matrix, design: Matrix, targets: Matrix, rate: Fraction) -> Callable[[int], Matrix]:
    """Gradient descent on the mean squared error, every entry of the gradient by its own sum."""

    def step(terms: list[Matrix], at: int) -> Matrix:
        weights = terms[at] if at < EXACT else terms[at].astype(float)
        error = design @ weights.T - targets
        gradient = np.empty(weights.shape, dtype=object)
        for i, j in np.ndindex(*weights.shape):
            gradient[i, j] = 2 * sum(error[row, i] * design[row, j] for row in range(len(design))) / targets.size
        return weights - rate * gradient

    return sequence([first], step)


def one_image(random: Random) -> Point:
    size = random.choice((1, 2, 3))
    image = array(size, 1, lambda *_: random.choice((-2, -1, 1, 3)))
    length = (image.T @ image)[0, 0]
    rate = size / (4 * length)  # so that 1 − κ s is ½
    start, zero = integers(random, size, size), array(size, 1, lambda *_: 0)
    parallel = image @ image.T / length
    perpendicular = identity(size) - parallel
    return Point(
        {"d": size, "s": length, "eta": rate, "kappa": 2 * rate / size},
        {
            r"\hat{x}": image,
            r"\hat{x}_{0}": zero,
            r"\Pi_{\parallel}": parallel,
            r"\Pi_{\perp}": perpendicular,
            r"W_{\infty}": start @ perpendicular + parallel,
            "x": integers(random, size, 1),
        },
        {
            "W": descent(start, image.T, image.T, rate),
            "Z": descent(integers(random, size, size), zero.T, zero.T, rate),
        },
    )


def linear(random: Random, eta: Fraction | None = None) -> Point:
    """A design matrix of rank one or two with its pseudoinverse, and targets that it can reach."""
    n, p, c, rank = random.choice(((2, 3, 1, 1), (3, 3, 2, 2), (3, 2, 2, 1), (2, 4, 1, 1)))
    left, right = reflection(random, n), reflection(random, p)
    values = [Fraction(2), Fraction(1)][:rank]
    design = left @ diagonal(n, p, values) @ right
    pseudoinverse = right.T @ diagonal(p, n, [1 / value for value in values]) @ left.T
    wanted = integers(random, c, p)
    targets, start = design @ wanted.T, integers(random, c, p)
    entries = Fraction(n * c)
    rate = eta or entries / 16  # κ λ is ½ for the largest λ = 4
    projector = pseudoinverse @ design
    kappa = 2 * rate / entries
    powers = sequence([identity(p)], lambda terms, at: terms[at] @ (identity(p) - kappa * design.T @ design))
    excited, unexcited = right.T[:, :1] * 3, right.T[:, rank : rank + 1] * 2
    q = random.choice((1, 2))
    basis = integers(random, p, p)
    while not _invertible(basis):
        basis = integers(random, p, p)
    full_left, full_right = reflection(random, p + 1), reflection(random, p)
    full = full_left @ diagonal(p + 1, p, [Fraction(k + 1) for k in range(p)]) @ full_right
    full_inverse = full_right.T @ diagonal(p, p + 1, [Fraction(1, k + 1) for k in range(p)]) @ full_left.T
    return Point(
        {
            "n": n,
            "p": p,
            "c": c,
            "q": q,
            "w": 1,
            "eta": rate,
            "kappa_T": kappa,
            "|T|": entries,
            "lambda": values[0] ** 2,
        },
        {
            "D": design,
            "D^{+}": pseudoinverse,
            "T": targets,
            r"\Theta_{*}": wanted,
            r"\Pi": projector,
            "N": identity(p) - projector,
            r"\Theta_{\infty}": start @ (identity(p) - projector) + targets.T @ pseudoinverse.T,
            "v": excited,
            "v_{0}": unexcited,
            "A": integers(random, q, p),
            "B": basis,
            "L": _inverse(basis),
            "F": full,
            "F^{+}": full_inverse,
            "K": _inverse(full.T @ full),
            "x": integers(random, p, 1),
        },
        {r"\Theta": descent(start, design, targets, rate), "Q": powers},
    )


def _invertible(matrix: Matrix) -> bool:
    try:
        _inverse(matrix)
    except StopIteration:
        return False
    return True


def _inverse(matrix: Matrix) -> Matrix:
    """By Gauss and Jordan, with fractions. A singular matrix has no pivot: StopIteration."""
    size = len(matrix)
    table = np.concatenate([matrix, identity(size)], axis=1)
    for column in range(size):
        pivot = next(row for row in range(column, size) if table[row, column] != 0)
        table[[column, pivot]] = table[[pivot, column]]
        table[column] = table[column] / table[column, column]
        for row in range(size):
            if row != column:
                table[row] = table[row] - table[row, column] * table[column]
    return table[:, size:]


def fcn_limit(random: Random) -> Point:
    image = one_image(random)
    both = linear(random, eta=None)
    # one learning rate for both: the image is scaled such that κ s stays below 2
    length = image.scalars["s"]
    rate = both.scalars["eta"]
    scale = Fraction(1)
    while 2 * rate / image.scalars["d"] * length * scale**2 >= Fraction(3, 2):
        scale /= 2
    picture, zero = image.matrices[r"\hat{x}"] * scale, image.matrices[r"\hat{x}_{0}"]
    start = image.sequences["W"](0)
    parts = {
        **image.matrices,
        r"\hat{x}": picture,
    }
    scalars = {"d": image.scalars["d"], "s": length * scale**2, "kappa": 2 * rate / image.scalars["d"]}
    sequences = {
        "W": descent(start, picture.T, picture.T, rate),
        "Z": descent(image.sequences["Z"](0), zero.T, zero.T, rate),
    }
    return both | Point(scalars, parts, sequences)


def cnn_limit(random: Random) -> Point:
    return linear(random)


def momentum(random: Random) -> Point:
    first, second = random.sample([Fraction(1, 2), Fraction(-1, 3), Fraction(3, 5), Fraction(1, 4)], 2)
    strength = abs(first * second)
    second = strength / first
    a = 1 + strength - first - second
    eta = Fraction(random.choice((1, 2)), 3)
    curvature, double = a / eta, random.choice((Fraction(1, 2), Fraction(-3, 5)))
    errors, speeds = [Fraction(random.choice((-2, 1, 3)))], [Fraction(0)]
    for _ in range(FAR + 5):
        speeds.append(strength * speeds[-1] + curvature * errors[-1])
        errors.append(errors[-1] - eta * speeds[-1])
    matrix = np.array([[1 - a, -eta * strength], [curvature, strength]], dtype=object)
    start = [Fraction(0), Fraction(1)]
    u, w = Fraction(random.randint(-4, 4), 3), Fraction(random.randint(1, 4), 3)
    return Point(
        {
            "mu_1": first,
            "mu_2": second,
            "mu_0": double,
            "beta": strength,
            "a": a,
            "eta": eta,
            "lambda": curvature,
            "mu": Fraction(random.randint(-4, 4), 3),
            "m_1": Fraction(random.randint(-5, 5), 4),
            "m_2": Fraction(random.randint(-5, 5), 4),
            "u": u,
            "w": w,
        },
        {"M": matrix},
        {
            "e": errors.__getitem__,
            "v": speeds.__getitem__,
            "z": lambda k: np.array([[errors[k]], [speeds[k]]], dtype=object),
            "P": sequence([identity(2)], lambda terms, at: matrix @ terms[at]),
            "U": sequence(start, lambda terms, at: (1 + strength - a) * terms[at] - strength * terms[at - 1]),
            "V": sequence(start, lambda terms, at: 2 * double * terms[at] - double**2 * terms[at - 1]),
        },
    )


def expected_mse(random: Random) -> Point:
    p, c, q = random.choice(((2, 1, 1), (2, 2, 2), (3, 1, 2)))
    d = random.randint(1, p)
    basis = orthonormal(random, p, d)
    null, design = basis @ basis.T, integers(random, q, p)
    variance = Fraction(random.choice((1, 4, 9)), 4)
    deviation = Fraction(math.isqrt(int(variance * 4)), 2)
    third = [(Fraction(1, 8), -2 * deviation), (Fraction(3, 4), Fraction(0)), (Fraction(1, 8), 2 * deviation)]
    form = null @ design.T @ design @ null
    kernel = integers(random, p, 1)
    return Point(
        {"p": p, "c": c, "q": q, "d": d, "v": variance, "gamma": Fraction(1)},
        {
            "V": basis,
            "N": null,
            "A": design,
            r"\Theta_{*}": integers(random, c, p),
            r"\Theta_{0}": integers(random, c, p),
            r"\theta_{0}": integers(random, p, 1),
            r"\theta_{*}": kernel,
            r"\Sigma_{0}": variance * identity(p),
            "G": form,
            "G_{d}": array(p, p, lambda i, j: form[i, j] if i == j else 0),
            "g": form @ kernel,
        },
        random={
            r"\Theta_{0}": draws(c, p, [(Fraction(1, 2), -deviation), (Fraction(1, 2), deviation)]),
            r"\theta_{0}": draws(p, 1, third),  # fourth moment 4 v², so the excess kurtosis is 1
        },
    )


@cache
def gauss_hermite() -> list[tuple[float, float]]:
    """A law on 40 points whose moments up to 79 are the standard Gaussian's."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    return [(float(weight) / math.sqrt(2 * math.pi), float(node)) for node, weight in zip(nodes, weights, strict=True)]


def mse_bound(random: Random) -> Point:
    """One channel and one missing direction, so that a Gaussian in c × d dimensions is a Gaussian number."""
    k, beta, c, d, q = random.choice(((2, 0, 1, 1, 2), (1, 1, 1, 1, 1), (2, 1, 1, 1, 2)))
    p = k + beta
    basis = orthonormal(random, p, d)
    null = basis @ basis.T
    bound = Fraction(random.randint(1, 3))
    rows = array(q, p, lambda _, j: bound * Fraction(random.randint(-4, 4), 4) if j < k else 1)
    log_inverse, half_width = Fraction(1, random.choice((4, 9, 16))), Fraction(random.choice((1, 2)), 2)
    variance = Fraction(1, k) if random.random() < 0.5 else half_width**2 / 3
    half_width = math.sqrt(3 * variance)
    ell, nu = math.sqrt(log_inverse), math.sqrt(c * d)
    tau = float(variance) * (2 * ell**2 + 2 * ell * nu + nu**2)
    deviation = math.sqrt(variance)
    target = orthonormal(random, p, c).T
    other = orthonormal(random, p, c).T
    return Point(
        {
            "k": k,
            "beta": beta,
            "c": c,
            "d": d,
            "q": q,
            "p": p,
            "r": k + beta - d,
            "m": c * k,
            "b": 2,
            "B": bound,
            "L": log_inverse,
            "delta": math.exp(-log_inverse),
            "w": half_width,
            "v": variance,
            "ell": ell,
            "nu": nu,
            "tau": tau,
            "u": 2 * ell / (2 * ell + nu),
            "rho": bound**2 * k + beta,
            "alpha": math.sqrt(tau),
            "gamma": math.sqrt(min(c, d)),
            "h": random.choice((-1.5, 0.25, 2.0)),
            "y": 2 * ell,
        },
        {
            "V": basis,
            "N": null,
            "N_{0}": array(p, p, lambda *_: 0),
            "A": rows,
            "M": integers(random, p, 2),
            "H": integers(random, c, p),
            "Y": integers(random, c, d) / 8,  # the exponentials' means are exact to ROUNDING up to exp(3 z) or so
            "Z": integers(random, c, d),
            r"\Theta_{*}": target,
            r"\Theta_{0}": integers(random, c, p) / 8,
            "O": other,
            r"\Sigma_{0}": variance * identity(p),
        },
        {
            "a": lambda i: rows[[(i - 1) % q]],
            "a_entry": lambda i, j: rows[(i - 1) % q, (j - 1) % k],
            "s": lambda i: rows[(i - 1) % q] @ rows[(i - 1) % q],
        },
        {
            r"\Theta_{0}": draws(c, p, [(Fraction(1, 2), -deviation), (Fraction(1, 2), deviation)]),
            "Z": draws(c, d, gauss_hermite()),
        },
    )


def patch_rank_margin(random: Random) -> Point:
    k, d, height = random.randint(1, 4), random.randint(1, 3), random.randint(1, 6)
    before = random.randint(0, d * (k - 1))
    after = d * (k - 1) - before
    height += d * (k - 1)
    y = random.randint(before, height - after - 1)
    heights = [Fraction(random.randint(-3, 3)) for _ in range(2)]
    low = Fraction(random.randint(-3, 3))
    high = low + random.randint(1, 3)
    value = Fraction(random.choice((-2, 1, 3)))
    entries = {f"r{i}{j}": Fraction(random.randint(-2, 2)) for i in range(6) for j in range(6)}
    return Point(
        {
            "a": before,
            "b": after,
            "d": d,
            "k": k,
            "P": height + before + after,
            "H": height,
            "y": y,
            "v": after + y,
            "t": random.randint(0, k - 1),
            "h_s": low,
            "h_t": high,
            "h_v": heights[0],
            "h_q": -low + high + heights[0],
            "x_v": value,
            **entries,
        },
        {},
        {"Delta": lambda m: value**m},
    )


def arc_cosine(random: Random) -> Point:
    a, b, bias = random.uniform(0.1, 2), random.uniform(0.1, 2), random.uniform(0, 2)
    half = random.uniform(0.01, 1.5)
    kappa = _orthant(lambda x, y: max(x, 0) * max(y, 0), a, b, 2 * half)
    both = _orthant(lambda x, y: float(x > 0 and y > 0), a, b, 2 * half)
    covariance = a * b * math.cos(2 * half)
    apart, relu = a**2 + b**2 - 2 * covariance, a**2 / 2 + b**2 / 2 - 2 * kappa
    g, f = 4 * a * b * math.sin(half) ** 2, 4 * a * b * math.cos(half) ** 2
    return Point(
        {
            "a": a,
            "b": b,
            "alpha": half,
            "varphi": random.uniform(-3, 3),
            "K": covariance,
            r"\kappa": kappa,
            r"\dot{\kappa}": both,
            "m_2": a**2 / 2,
            "D": apart,
            r"D_{\mathrm{relu}}": relu,
            "g": g,
            "f": f,
            "j": 4 * a * b * math.sin(half) * math.cos(half) - half * (f - g),
            r"g_{\mathrm{relu}}": relu - (a - b) ** 2 / 2,
            r"\sigma_b": bias,
            "R": math.sqrt((a**2 + bias**2) * (b**2 + bias**2)),
        }
    )


def _orthant(function: Callable[[float, float], float], a: float, b: float, angle: float) -> float:
    """The mean of a homogeneous function of two Gaussians of mean zero, deviations a and b, and that angle between.

    In polar coordinates, the angle by the midpoint rule over the arc where both are positive.
    """
    degree = 2 if function(2, 2) == 4 * function(1, 1) else 0
    radial = 2.0 if degree else 1.0  # ∫ r³ exp(−r²/2) dr, ∫ r exp(−r²/2) dr
    low, high = angle - math.pi / 2, math.pi / 2
    nodes, weights = np.polynomial.legendre.leggauss(60)
    at = (high - low) / 2 * nodes + (high + low) / 2
    values = [function(a * math.cos(phi), b * math.cos(phi - angle)) for phi in at]
    return float(radial * np.dot(weights, values) * (high - low) / 2 / (2 * math.pi))


def wide_limit(random: Random) -> Point:
    n = random.choice((1, 2, 3))
    deviation = Fraction(random.randint(1, 3), 4)
    bias, beta, omega = (
        Fraction(random.randint(0, 3), 2),
        Fraction(random.randint(0, 3)),
        Fraction(random.randint(0, 3)),
    )
    phi, phi_other = integers(random, n, 1), integers(random, n, 1)
    slopes = [diagonal(n, n, [Fraction(random.randint(0, 1)) for _ in range(n)]) for _ in range(2)]
    below = Fraction(random.randint(1, 3))
    mirror = reflection(random, n)
    kappa, dot = trace(phi @ phi_other.T), trace(slopes[0] @ slopes[1])
    first, second = Fraction(random.randint(0, 4)), Fraction(random.randint(0, 4))
    square = deviation**2
    chi, ratio = square / 2, Fraction(1, 2)
    x, r, x_other, r_other = (integers(random, n, 1) for _ in range(4))
    fixed = bias**2 / (1 - chi)
    start, target, at_x, at_x0, eigenvalue = (Fraction(random.randint(1, 5)) for _ in range(5))
    distances = [Fraction(random.randint(0, 4))]
    activated = []
    for _ in range(FAR + 5):
        activated.append(distances[-1] * random.choice((Fraction(1, 2), Fraction(1, 4))))
        distances.append(square * activated[-1])
    k11, k22 = first * square + bias**2, second * square + bias**2
    covariance = kappa * square + bias**2
    return Point(
        {
            "n": n,
            r"\sigma_w": deviation,
            r"\sigma_b": bias,
            "beta": beta,
            "omega": omega,
            r"\kappa": kappa,
            r"\dot{\kappa}": dot,
            r"\Theta_{-}": below,
            "K": covariance,
            r"\Theta": beta + omega * kappa + square * below * dot,
            r"\kappa_{11}": first,
            r"\kappa_{22}": second,
            "K_{11}": k11,
            "K_{22}": k22,
            "D": k11 + k22 - 2 * covariance,
            r"D_{\varphi}": first + second - 2 * kappa,
            "m_x": Fraction(2),
            "m_{r'}": trace(r_other @ x.T) / 2,
            "m_r": Fraction(3),
            "m_{x'}": trace(r @ x_other.T) / 3,
            "q": ratio,
            "f_0": start,
            "f_0(x)": at_x,
            r"\Theta_x": at_x0,
            "T": target,
            "lambda": eigenvalue,
            "chi": chi,
            "q_*": fixed,
            "s": Fraction(1, 3),
            "N": Fraction(2),
        },
        {
            r"\varphi": phi,
            r"\varphi'": phi_other,
            "S": slopes[0],
            "S'": slopes[1],
            "J": below * mirror,
            "J'": mirror,
            "x": x,
            "r": r,
            "x'": x_other,
            "r'": r_other,
            "w": integers(random, n, 1),
        },
        {
            "f": lambda t: at_x + at_x0 * (1 - ratio**t) * (target - start) / eigenvalue,
            "v": sequence([Fraction(3)], lambda terms, at: bias**2 + chi * terms[at]),
            "D": distances.__getitem__,
            r"D^{\varphi}": activated.__getitem__,
        },
        {"w": draws(n, 1, [(Fraction(1, 2), -deviation), (Fraction(1, 2), deviation)])},
    )


def nonlinear_span(random: Random) -> Point:
    p, n, c = random.choice(((2, 1, 1), (3, 2, 2), (2, 2, 1)))
    left, right = reflection(random, p), reflection(random, n)
    singular = [Fraction(1), Fraction(3, 5)][:n]
    examples = left @ diagonal(p, n, singular) @ right
    pseudoinverse = right.T @ diagonal(n, p, [1 / value for value in singular]) @ left.T
    projector = examples @ pseudoinverse
    null = identity(p) - projector
    start, limit = integers(random, c, p), integers(random, c, n)
    root = random.choice((Fraction(1, 4), Fraction(1, 2)))
    strength = root**2
    metric = _inverse(examples.T @ examples)
    weights, velocities, gradients = [start], [array(c, p, lambda *_: 0)], []
    for step in range(FAR + 5):
        gradient = (weights[-1] @ examples - limit) @ metric  # of any loss whose least value is at the limit
        gradient = gradient if step < EXACT else gradient.astype(float)
        gradients.append(gradient)
        velocities.append(strength * velocities[-1] + gradient @ examples.T)
        weights.append(weights[-1] - Fraction(1, 2 + step % 2) * velocities[-1])
    change = limit @ pseudoinverse  # W' = W₀ + M Xᵀ with W' X = Z: M = (Z X⁺ − W₀ Π) X⁺ᵀ
    step_within = (change - start @ projector) @ pseudoinverse.T
    reached = start + step_within @ examples.T
    return (
        Point(
            {"p": p, "n": n, "c": c, "beta": strength, "b": root},
            {
                "X": examples,
                "X^{+}": pseudoinverse,
                r"\Pi": projector,
                "N": null,
                "H": integers(random, c, p),
                "Z": limit,
                r"W_{\infty}": start @ null + limit @ pseudoinverse,
                "W'": reached,
                "M": step_within,
                "x": integers(random, p, 1),
                "k": integers(random, n, 1),
                "Y": diagonal(n, n, [Fraction(0), Fraction(4, 5)][:n]) @ right,
            },
            {
                "W": weights.__getitem__,
                "V": velocities.__getitem__,
                "G": gradients.__getitem__,
                r"\eta": lambda t: Fraction(1, 2 + t % 2),
            },
            functions={"varphi": lambda x: x**3 - 2 * x},
        )
        | _leaky(random, p, n, examples, right)
        | _unit(random, root)
    )


def _leaky(random: Random, p: int, n: int, examples: Matrix, right: Matrix) -> Point:
    """Slopes of 1 and α = ⅗, whose complements 1 − α² have the rational root ⅘."""
    alpha = Fraction(3, 5)
    kinds = [[random.choice((True, False)) for _ in range(n)] for _ in range(FAR + 5)]
    slopes = [diagonal(n, n, [Fraction(1) if kind else alpha for kind in row]) for row in kinds]
    short = [diagonal(n, n, [Fraction(0) if kind else Fraction(4, 5) for kind in row]) for row in kinds]
    long = [diagonal(n, n, [Fraction(4, 5) if kind else Fraction(0) for kind in row]) for row in kinds]
    kappa, most, least = Fraction(1, 2), Fraction(1), Fraction(1) if n == 1 else Fraction(9, 25)
    within = examples @ integers(random, n, 1)  # the errors lie in the span of the examples

    def step(terms: list[Matrix], at: int) -> Matrix:
        return terms[at] - kappa * examples @ slopes[at].T @ slopes[at] @ examples.T @ terms[at]

    return Point(
        {
            "alpha": alpha,
            "kappa": kappa,
            "lambda": most,
            "mu": least,
            "q": 1 - alpha**2 * kappa * least * (2 - kappa * most),
            "z": Fraction(random.randint(-5, 5), 2),
            "z_*": Fraction(random.randint(-5, 5), 2),
            "epsilon": Fraction(1, 3),
            "h": Fraction(2),
            "xi": Fraction(1),
        },
        {},
        {
            "u": sequence([within], step),
            "R": slopes.__getitem__,
            "T": short.__getitem__,
            "S": long.__getitem__,
        },
    )


def _unit(random: Random, root: Fraction) -> Point:
    """One ReLU unit: alive it is a heavy ball, dead it coasts."""
    strength = root**2
    a = random.choice((Fraction(1, 16), Fraction(1, 4), Fraction(9, 16), Fraction(3, 2), Fraction(9, 4), Fraction(3)))
    goal, z0 = Fraction(random.choice((-1, 1, 2))), Fraction(random.choice((-2, 1, 3)))
    responses, speeds = [z0], [Fraction(0)]
    for _ in range(FAR + 5):
        speeds.append(a * (responses[-1] - goal) + strength * speeds[-1])
        responses.append(responses[-1] - speeds[-1])
    terms = sequence(
        [Fraction(0), Fraction(1)], lambda known, at: (1 + strength - a) * known[at] - strength * known[at - 1]
    )
    coasting, resting = Fraction(3), Fraction(-1)

    def left(t: int) -> Fraction:
        return terms(t + 1) - strength * terms(t)

    def rest(t: int) -> Fraction:
        return resting - sum((coasting * strength**k for k in range(1, t + 1)), start=Fraction(0))

    def modulus(t: int) -> Fraction:
        return (-1) ** t * left(t)

    return Point(
        {"a": a, "y": goal, "e": Fraction(random.randint(-4, 4), 3)},
        {},
        {
            "z": responses.__getitem__,
            "v": speeds.__getitem__,
            "U": terms,
            r"\ell": left,
            "d": lambda t: coasting * strength**t,
            "s": rest,
            "J": lambda t: left(t + 1) ** 2 - (1 + strength - a) * left(t) * left(t + 1) + strength * left(t) ** 2,
            "g": lambda t: left(t + 1) - root * left(t),
            "r": sequence([Fraction(5)], lambda known, at: known[at] - a * (known[at] - goal)),
            "m": modulus,
            "h": lambda t: modulus(t + 1) - root * modulus(t),
        },
    )


def off_the_span(random: Random) -> Point:
    n, h, o, above, below = (random.choice((1, 2, 3)) for _ in range(5))
    d = n + random.choice((1, 2))
    basis = reflection(random, d)
    lengths = [Fraction(random.choice((-2, 1, 3))) for _ in range(n)]
    images = diagonal(n, n, lengths) @ basis[:n]
    known, null = basis[:n].T @ basis[:n], basis[n:].T @ basis[n:]
    rotation = known + basis[n:].T @ reflection(random, d - n) @ basis[n:]
    eta, beta = Fraction(1, random.choice((2, 5))), Fraction(random.choice((1, 2)), 3)
    errors = sequence([integers(random, h, n)], lambda *_: integers(random, h, n))
    velocity = sequence([array(h, d, lambda *_: 0)], lambda known, at: beta * known[at] + errors(at) @ images)
    weights = sequence([integers(random, h, d)], lambda known, at: known[at] - eta * velocity(at + 1))
    x = integers(random, d, 1)
    upper, lower = integers(random, above, h), integers(random, h, below)
    behind, before = integers(random, above, n), integers(random, below, n)
    of_upper, of_lower = behind @ (lower @ before).T, upper.T @ behind @ before.T
    return Point(
        {"n": n, "d": d, "h": h, "o": o, "h_{+}": above, "h_{-}": below, "eta": eta, "beta": beta},
        {
            "X": images,
            "N": null,
            "Q": rotation,
            "A": integers(random, o, h),
            "x": x,
            "c": diagonal(n, n, [1 / length for length in lengths]) @ basis[:n] @ x,
            "S": upper,
            "P": lower,
            "E": behind,
            "H": before,
            "G_{S}": of_upper,
            "G_{P}": of_lower,
            "S'": upper - eta * of_upper,
            "P'": lower - eta * of_lower,
        },
        {
            "W": weights,
            "V": velocity,
            r"\delta": errors,
            "W'": lambda t: weights(t) @ rotation.T,
            "V'": lambda t: velocity(t) @ rotation.T,
        },
    )


POINTS: dict[str, Callable[[Random], Point]] = {
    "linear-model": linear,
    "fcn-limit": fcn_limit,
    "fcn-trajectory": one_image,
    "cnn-limit": cnn_limit,
    "momentum": momentum,
    "cnn-expected-mse": expected_mse,
    "cnn-mse-bound": mse_bound,
    "nonlinear-span": nonlinear_span,
    "patch-rank-margin": patch_rank_margin,
    "arc-cosine": arc_cosine,
    "wide-limit": wide_limit,
    "off-the-span": off_the_span,
}

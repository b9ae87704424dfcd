"""Points that satisfy the assumptions of the derivations about random weights, ranks and infinite width."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from random import Random

import numpy as np

from tests.theory.derivations.evaluation import FAR, Point
from tests.theory.derivations.exact_matrices import (
    array,
    diagonal,
    draws,
    identity,
    integers,
    orthonormal,
    reflection,
    sequence,
    trace,
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

"""Points that satisfy the assumptions of the derivations about gradient descent."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np

from tests.theory.derivations.evaluation import FAR, Point
from tests.theory.derivations.exact_matrices import (
    EXACT,
    Matrix,
    array,
    descent,
    diagonal,
    draws,
    identity,
    integers,
    inverse,
    invertible,
    reflection,
    sequence,
)


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
    while not invertible(basis):
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
            "L": inverse(basis),
            "F": full,
            "F^{+}": full_inverse,
            "K": inverse(full.T @ full),
            "x": integers(random, p, 1),
        },
        {r"\Theta": descent(start, design, targets, rate), "Q": powers},
    )


def learning_law(random: Random) -> Point:
    """Two modes of a kernel known by its eigenvectors, targets of two output units, and a coin for each parameter."""
    n, p, c = random.choice(((2, 2, 1), (2, 3, 2), (3, 3, 1)))
    left, right = reflection(random, n), reflection(random, p)
    design = left @ diagonal(n, p, [Fraction(2), Fraction(1), Fraction(3)]) @ right
    targets, entries = integers(random, n, c), Fraction(n * c)
    rate = entries / 16  # κ λ is ½ for λ = 4
    kappa, kernel = 2 * rate / entries, design @ design.T
    root = diagonal(p, p, [Fraction(random.randint(1, 3)) for _ in range(p)])
    networks, mean, square = Fraction(random.randint(2, 9)), Fraction(3, 5), Fraction(random.choice((2, 3)), 5)
    return Point(
        {
            "n": n,
            "p": p,
            "c": c,
            "N": entries,
            "eta": rate,
            "kappa": kappa,
            "lambda": Fraction(4),
            "\\lambda'": Fraction(1),
            "S": networks,
            "m_1": mean,
            "m_2": square,
            "M": (mean - square) / networks + square - mean**2,
        },
        {
            "D": design,
            "Y": targets,
            r"\Theta": kernel,
            "K": design @ root @ root.T @ design.T,
            "B": integers(random, n, n),
            "R": root,
            "u": 3 * left[:, :1],
            "u'": 2 * left[:, 1:2],
            "y": integers(random, n, 1),
            "a": integers(random, p, 1),
            r"\theta_{0}": integers(random, p, 1),
        },
        {
            "W": descent(integers(random, c, p), design, targets, rate),
            "G": sequence(
                [array(n, n, lambda *_: 0)],
                lambda known, at: known[at] + kappa * (identity(n) - known[at] @ kernel),
            ),
        },
        {
            r"\theta_{0}": [
                (chance, root @ drawn)
                for chance, drawn in draws(p, 1, [(Fraction(1, 2), Fraction(-1)), (Fraction(1, 2), Fraction(1))])
            ]
        },
    )


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
    metric = inverse(examples.T @ examples)
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

"""Full patch rank, read off the support of an image: one vertex of its convex hull away from the borders is enough.

Multiplying by the patch matrix is multiplying polynomials, and a leading coefficient does not cancel. In matrices: rows
and columns in the order of the leading monomials, a square part of the patch matrix is triangular, with the pixel at
the vertex on its diagonal.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import (
    Basic,
    Determinant,
    GreaterThan,
    ImmutableMatrix,
    Integer,
    LessThan,
    StrictGreaterThan,
    Symbol,
    symbols,
)

from theory.derivations.explicit_convolution import KernelSize, patch_matrix
from theory.derivations.explicit_descent import real_matrix
from theory.derivations.linear_model import equation
from theory.proof.brute_force import BruteForce, Case
from theory.proof.derivation import Derivation
from theory.proof.expressions import scalar_sequence
from theory.proof.inequalities import Inequality
from theory.proof.rules import Algebra, Induction
from theory.proof.steps import Assumption, Step

__all__ = ["derivation"]

m = Symbol("m", integer=True, nonnegative=True)
k, d = symbols("k d", integer=True, positive=True)
H, places = symbols("H P", integer=True, positive=True)
before, after, tap = symbols("b a t", integer=True, nonnegative=True)
y, v = symbols("y v", integer=True)
height_v, height_t, height_s, height_q = symbols("h_v h_t h_s h_q", real=True)
x_v = Symbol("x_v", real=True, nonzero=True)
Delta = scalar_sequence("Delta")

reach = d * (k - 1)
same = equation(before + after, reach)
place_of_vertex, all_places = equation(v, y + before), equation(places, H + before + after)
margin_above, margin_below = (
    GreaterThan(y, after, evaluate=False),
    LessThan(y, H - 1 - before, evaluate=False),
)
last_tap = LessThan(tap, k - 1, evaluate=False)
far_from_start, far_from_end = (
    GreaterThan(v, reach, evaluate=False),
    LessThan(v, places - 1 - reach, evaluate=False),
)
seen_from_first, seen_from_last = (
    GreaterThan(v - d * tap, 0, evaluate=False),
    LessThan(v - d * tap, places - 1 - reach, evaluate=False),
)
place_seen = equation(height_q, height_v + height_t - height_s)
later_tap = StrictGreaterThan(height_t, height_s, evaluate=False)
beyond = StrictGreaterThan(height_q, height_v, evaluate=False)
empty = equation(Delta(0), Integer(1))
expansion = equation(Delta(m + 1), x_v * Delta(m))
minor = equation(Delta(m), x_v**m)
unit = equation(Delta(m) * x_v ** (-m), Integer(1))

ASSUMPTIONS = (
    Assumption(
        "A single-channel image of $H$ pixels along an axis is extended by zeros, $b$ before and $a$ after it; a "
        "kernel has $k$ taps along the axis, at distance $d$ (dilation). Padding keeps the size:",
        same,
    ),
    Assumption("so that there are, with the padding,", all_places),
    Assumption(
        "places, and windows begin at the places from $0$ to $P - 1 - d (k - 1)$. The pixel $v$ is a vertex of the "
        "convex hull of the support: some linear function $h$ of the place is larger there than at any other pixel "
        "that is not zero. Functions near $h$ are too, so $h$ may be taken to differ at different taps. Along the "
        "axis, $v$ is pixel $y$, at the place",
        place_of_vertex,
    ),
    Assumption("and has margins of $a$ pixels before it,", margin_above),
    Assumption("and of $b$ pixels after it,", margin_below),
    Assumption("along both axes. The taps are numbered from $0$; so for every tap $t$", last_tap),
    Assumption(
        "The window at place $v - d s$ sees $v$ with tap $s$. With tap $t$ it sees the place $q = v + d t - d s$: as "
        "$h$ is linear, and $h_t$, $h_s$ are its values at $d t$ and $d s$,",
        place_seen,
    ),
    Assumption("Tap $t$ comes after tap $s$ in the order of $h$:", later_tap),
    Assumption(
        "The patch matrix, in the rows $v - d s$ and the columns $t$, both in the order of $h$, has $x_v$ on its "
        "diagonal, and zeros above it, where $q$ lies beyond the support. $\\Delta_m$ is its leading minor of order "
        "$m$:",
        empty,
    ),
    Assumption(
        "and, by Laplace's expansion along the last column, which is zero but for its last entry $x_v$,", expansion
    ),
)

bordered = ImmutableMatrix(4, 4, lambda i, j: (x_v if i == 3 else 0) if j == 3 else Symbol(f"r{i}{j}"))

STEPS = (
    Step(
        "Far enough from the first place",
        far_from_start,
        Inequality((place_of_vertex, same, margin_above), certificate=y - after),
        "The padding before the image and the margin after it make up for one another.",
    ),
    Step(
        "Far enough from the last place",
        far_from_end,
        Inequality((place_of_vertex, all_places, same, margin_below), certificate=H - 1 - before - y),
        "In the same way. Where $d (k - 1)$ is even, as for every odd kernel, $a = b$; elsewhere PyTorch puts the odd "
        "pixel after the image, and $a = b + 1$.",
    ),
    Step(
        "The window from which a tap sees the vertex does not begin too early",
        seen_from_first,
        Inequality((far_from_start, last_tap)),
        "It begins at $v - d t$; the last tap is the worst case.",
    ),
    Step(
        "And not too late",
        seen_from_last,
        Inequality((far_from_end,)),
        "The first tap is the worst case. So every tap sees the vertex, from a window of its own.",
    ),
    Step(
        "Above the diagonal",
        beyond,
        Inequality((place_seen, later_tap), certificate=height_t - height_s),
        "Beyond the vertex there is no support: the entry is zero.",
    ),
    Step(
        "Laplace's expansion, written out",
        equation(Determinant(bordered), x_v * Determinant(bordered[:3, :3])),
        Algebra(),
        "For $m = 3$, whatever stands below the diagonal, and to the left.",
    ),
    Step(
        "The minor",
        minor,
        Induction(variable=m, recurrence=expansion, initial=(empty,), by=Algebra()),
        "A triangular matrix.",
    ),
    Step(
        "It does not vanish",
        unit,
        Algebra((minor,)),
        "A power of a pixel that is not zero. With all $k_h k_w$ taps the columns of the patch matrix are linearly "
        "independent; with the $m$ taps that see the vertex, its rank is at least $m$.",
    ),
)


def minor_of(image: ImmutableMatrix, kernel: KernelSize, vertex: tuple[int, int]) -> Case:
    """The minor of an explicit image, from its patch matrix.

    Rows and columns in the order of the taps' numbers, not of h: a determinant keeps if both are permuted alike.
    """
    rows, columns = image.shape
    tall, wide = kernel
    taps = [(a, b) for a in range(tall) for b in range(wide)]
    windows = {(a, b): (vertex[0] - a + (tall - 1) // 2, vertex[1] - b + (wide - 1) // 2) for a, b in taps}
    seeing = [tap for tap in taps if 0 <= windows[tap][0] < rows and 0 <= windows[tap][1] < columns]

    def values() -> dict[Basic, object]:
        patches = patch_matrix((image,), kernel)
        part = patches.extract(
            [windows[tap][0] * columns + windows[tap][1] for tap in seeing], [a * wide + b for a, b in seeing]
        )
        return {m: len(seeing), x_v: image[vertex], Delta(len(seeing)): part.det(method="berkowitz")}

    label = rf"${rows} \times {columns}$ pixels, kernel ${tall} \times {wide}$, {len(seeing)} taps that see the vertex"
    return Case(label, values)


def lit_where(rows: int, columns: int, inside: Callable[[int, int], bool]) -> ImmutableMatrix:
    """An image whose pixels are symbols inside a region, and zero outside."""
    pixels = real_matrix("x", rows, columns)
    return ImmutableMatrix(rows, columns, lambda i, j: pixels[i, j] if inside(int(i), int(j)) else 0)


CASES = (
    minor_of(lit_where(1, 5, lambda i, j: j <= 3), (1, 3), (0, 3)),
    minor_of(lit_where(1, 5, lambda i, j: j >= 2), (1, 4), (0, 2)),
    minor_of(lit_where(3, 4, lambda i, j: i + j <= 2 and i <= 1), (2, 2), (1, 1)),
    minor_of(lit_where(4, 4, lambda i, j: True), (3, 3), (0, 0)),
    minor_of(lit_where(5, 5, lambda i, j: 3 * i + j <= 7), (3, 3), (2, 1)),
)
CHECKS = (
    Step(
        "Small images, written out",
        minor,
        BruteForce(cases=CASES),
        "Symbolic pixels, in supports that touch the borders, and vertices that all taps see, or some.",
    ),
)


def derivation() -> Derivation:
    """Every tap sees the vertex, so a minor of the patch matrix is a power of the pixel there."""
    return Derivation(
        name="patch-rank-margin",
        title="Images of full patch rank",
        statement=(seen_from_first, seen_from_last, beyond, minor, unit),
        assumptions=ASSUMPTIONS,
        steps=(*STEPS, *CHECKS),
        source="ours; the argument is that of leading monomials in a product of polynomials.",
        result={"minor": minor.rhs},
        remarks=(
            "An image that is not zero, but is zero on margins of $a$ and $b$ pixels, satisfies this with each of its "
            "vertices: polynomial rings have no zero divisors.",
            "Only one vertex need be away from the borders; the rest of the image may touch them.",
            "Without padding of zeros, the theorem holds of the padded image and its vertices.",
            "The converse is false: a constant image of at least $k \\times k$ pixels has full rank, and no vertex "
            "that all taps see.",
            "It is a theorem for one channel: equal channels are linearly dependent.",
        ),
    )

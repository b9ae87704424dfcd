"""The rank of almost every image: bounds from both sides, and sizes small enough for symbols."""

import math

import flint
import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given
from hypothesis import strategies as st

from numerics import generic_rank, patch_rank
from numerics.generic_rank import generic_patch_rank, rank_modulo_random_prime
from numerics.window import Window
from tests import rational, reference
from tests.cases import WindowCase, plain_images, seeds, windows


def random_whole(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(-(10**6), 10**6, shape)


@given(windows(max_size=5, max_images=1, kind=plain_images), seeds)
def test_generic_rank_is_that_of_random_images_and_never_less(case, seed):
    whole = random_whole(seed, case.images.shape)
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(whole, case.kernel, mode=case.settings["padding_mode"], **options)
    _, channels, height, width = case.images.shape
    generic = generic_patch_rank(height, width, channels, case.kernel, **case.settings)
    # One with pixels from 2·10⁶ values falls short with probability at most rank / 2·10⁶ (Schwartz and Zippel).
    assert generic == rational.rank(matrix)
    few = np.rint(case.images * 2).astype(int)
    assert patch_rank(few, case.kernel, method="exact", **case.settings).rank <= generic


@st.composite
def crowded(draw: st.DrawFn) -> WindowCase:
    """Small images under large kernels: taps that see nothing, or the same as others, and windows that do."""
    shape = draw(st.tuples(st.just(1), st.integers(1, 2), st.integers(1, 4), st.integers(1, 4)))
    kernel, padding = draw(st.tuples(*[st.integers(1, 6)] * 2)), draw(st.tuples(*[st.integers(0, 6)] * 2))
    mode, dilation = draw(st.sampled_from(["zeros", "replicate", "circular", "reflect"])), draw(st.integers(1, 2))
    for axis in (0, 1):
        assume(dilation * (kernel[axis] - 1) < shape[2 + axis] + 2 * padding[axis])
        assume(padding[axis] <= shape[2 + axis] - (mode == "reflect") or mode in ("zeros", "replicate"))
    settings = {"stride": (1, 2), "padding": padding, "padding_mode": mode, "dilation": (dilation, dilation)}
    return WindowCase(np.arange(1, np.prod(shape) + 1).reshape(shape), kernel, settings)


@given(crowded())
@example(WindowCase(np.ones((1, 1, 1, 1), int), (3, 3), {"padding": (4, 4), "stride": (1, 2), "dilation": (1, 1)}))
@example(
    WindowCase(
        np.array([[[[1, 2]]]]),
        (1, 5),
        {"padding": (0, 2), "stride": (1, 1), "dilation": (1, 1), "padding_mode": "circular"},
    )
)
def test_bound_from_above_counts_distinct_columns_and_rows(case):
    """Pixels numbered from 1 tell columns and rows apart."""
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(
        case.images, case.kernel, mode=case.settings.get("padding_mode", "zeros"), **options
    )
    columns, rows = ({tuple(line) for line in lines if any(line)} for lines in (matrix.T, matrix))
    found = generic_rank.distinct_lines(*case.images.shape[1:], Window.of(case.kernel, **case.settings))
    assert found == min(len(columns), len(rows))


@given(crowded())
def test_generic_rank_of_crowded_windows(case):
    whole = random_whole(int(case.images.size), case.images.shape)
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(whole, case.kernel, mode=case.settings["padding_mode"], **options)
    _, channels, height, width = case.images.shape
    assert generic_patch_rank(height, width, channels, case.kernel, **case.settings) == rational.rank(matrix)


def test_every_call_draws_another_prime_and_another_image(monkeypatch):
    drawn = []

    def record(rows, columns, entries, prime):
        drawn.append((prime, tuple(entries)))
        return flint.nmod_mat(rows, columns, entries, prime)

    monkeypatch.setattr(generic_rank, "nmod_mat", record)
    for _ in range(5):
        assert rank_modulo_random_prime((1, 3, 3), Window.of(3)) == 9
    assert len({prime for prime, _ in drawn}) == len({entries for _, entries in drawn}) == 5
    for prime, entries in drawn:
        assert 2**62 <= prime < 2**63
        assert flint.fmpz(prime).is_prime()
        assert max(entries) > 2**56  # all of 9 below a 64th of the prime: one in 2⁵⁴


SHORT = [  # the bound from above is not attained
    (2, 3, 3, (1, 2), {"dilation": (2, 3)}, 5),
    (1, 3, 1, (1, 3), {"dilation": 2, "padding_mode": "replicate"}, 2),
    (3, 2, 1, (4, 1), {"stride": (3, 1), "padding": (4, 2)}, 3),
    (2, 2, 3, (2, 1), {"padding": (3, 4), "padding_mode": "replicate"}, 5),
]


@pytest.mark.parametrize(("height", "width", "channels", "kernel", "settings", "expected"), SHORT)
def test_symbolic_rank_of_small_sizes(height, width, channels, kernel, settings, expected):
    pixels = sympy.symarray("x", (1, channels, height, width))
    modes = {"mode": settings.get("padding_mode", "zeros"), "padding": settings.get("padding", "same")}
    pairs = {name: tuple(np.broadcast_to(settings.get(name, 1), 2).tolist()) for name in ("stride", "dilation")}
    matrix = sympy.Matrix(reference.patch_matrix(pixels, kernel, **modes, **pairs))
    symbolic = sympy.polys.matrices.DomainMatrix.from_Matrix(matrix).to_field().rank()
    assert generic_patch_rank(height, width, channels, kernel, **settings) == symbolic
    assert symbolic == expected


@pytest.mark.parametrize(
    ("height", "width", "channels", "kernel", "settings", "expected"), [*SHORT, (4, 5, 1, 3, {}, 9)]
)
def test_an_unlucky_image_costs_time_not_truth(monkeypatch, height, width, channels, kernel, settings, expected):
    monkeypatch.setattr(generic_rank, "exact_rank", lambda image, window: 1)
    assert generic_patch_rank(height, width, channels, kernel, **settings) == expected


@given(windows(max_size=6, max_images=1))
def test_modular_rank_alone_agrees(case):
    _, channels, height, width = case.images.shape
    modular = rank_modulo_random_prime((channels, height, width), Window.of(case.kernel, **case.settings))
    assert modular == generic_patch_rank(height, width, channels, case.kernel, **case.settings)


@pytest.mark.parametrize(
    ("size", "kernel", "settings", "expected"),
    [
        ((28, 28, 1), 15, {}, 225),
        ((28, 28, 3), 5, {}, 75),
        ((28, 28, 3), 15, {}, 675),
        ((5, 5, 1), 7, {}, 25),
        ((3, 3, 1), 9, {"padding_mode": "zeros"}, 9),
        ((2, 2, 1), 2, {"padding": 5}, 4),
        ((2, 1, 1), (5, 1), {"padding": (9, 0)}, 5),
        ((6, 7, 1), 3, {"padding_mode": "circular"}, 9),
        ((2, 2, 1), 5, {"padding_mode": "circular"}, 4),
        ((1, 1, 4), 3, {}, 1),
    ],
)
def test_generic_ranks_known_by_counting(size, kernel, settings, expected):
    assert generic_patch_rank(*size, kernel, **settings) == expected


def test_failure_probability_is_what_the_docstring_says():
    primes = 3 / 5 * generic_rank.PRIMES_FROM / math.log(generic_rank.PRIMES_FROM)
    for rank, bound in ((400, 1e-15), (10**5, 1e-12)):
        assert math.lgamma(rank + 1) / math.log(2) / (62 * primes) + rank / 2**62 < bound


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 3, 1, 3), ValueError, "height must be at least 1, got 0"),
        ((3, -1, 1, 3), ValueError, "width must be at least 1, got -1"),
        ((3, 3, 1.5, 3), TypeError, "channels must be an integer, got 1.5"),
        ((True, 3, 1, 3), TypeError, "height must be an integer"),
        ((3, 3, 1, 0), ValueError, "kernel_size must be at least 1"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, error, message):
    with pytest.raises(error, match=message):
        generic_patch_rank(*arguments)
    with pytest.raises(ValueError, match="kernel_size spans"):
        generic_patch_rank(3, 3, 1, 4, padding="valid")

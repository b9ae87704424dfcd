"""The rank of almost every image: bounds from both sides, and sizes small enough for symbols."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given

from numerics import generic_rank, patch_rank
from numerics.generic_rank import generic_patch_rank, rank_modulo_random_prime
from numerics.window import Window
from tests import rational, reference
from tests.cases import seeds, windows


def random_whole(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(-(10**6), 10**6, shape)


@given(windows(max_size=5, max_images=1), seeds)
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


@given(windows(max_size=5, max_images=1))
def test_bound_from_above_counts_distinct_columns_and_rows(case):
    _, channels, height, width = case.images.shape
    labels = np.arange(1, case.images[0].size + 1).reshape(case.images.shape)
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    matrix = reference.patch_matrix(labels, case.kernel, mode=case.settings["padding_mode"], **options)
    columns, rows = ({tuple(line) for line in lines if any(line)} for lines in (matrix.T, matrix))
    found = generic_rank.distinct_lines(channels, height, width, Window.of(case.kernel, **case.settings))
    assert found == min(len(columns), len(rows))


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

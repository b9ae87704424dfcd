"""Which images determine a convolution's kernel: exact patch ranks, and what foresees them."""

from fractions import Fraction
from itertools import pairwise, product
from math import isqrt

import flint
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numerics import UndecidedRankError, patch_matrix, patch_rank
from tests.cases import plain_images, windows
from tests.claims.patch_ranks import KERNELS, all_digits, directions, exact, kernels, pixels, values
from verification import claim

R_MARGIN = claim(
    "R.margin",
    statement="A single-channel image that is not zero, but zero on margins of (k − 1)/2, has full patch rank.",
    source="theory/derivations (patch-rank-margin)",
)
R_VERTEX = claim(
    "R.vertex",
    statement="The patch rank is at least the number of taps that see a vertex of the convex hull of the support: it "
    "is full if one vertex is at least (k − 1)/2 from every border.",
    source="theory/derivations (patch-rank-margin)",
)
R_CONSTANT = claim(
    "R.constant",
    statement="A constant H × W image, not zero, has patch rank min(H, k)·min(W, k) under zero padding: from k pixels "
    "on the border alone teaches the identity.",
    source="ours, proved beside the test",
)
R_CORNER = claim(
    "R.corner",
    statement="The patch rank of one lit pixel is the number of taps that see it: ((k + 1)/2)² in a corner, for odd k; "
    "(k/2)², (k/2)(k/2 + 1) or (k/2 + 1)² for even k.",
    source="ours, numerics.rank_certificate",
)
R_GREY = claim(
    "R.grey",
    statement="Channels that are multiples of one have the patch rank of that one: a grey image as RGB is short of "
    "rank.",
    source="ours, proved beside the test",
)
R_INVARIANCE = claim(
    "R.invariance",
    statement="The patch rank is at most min(rows, columns), and unchanged when the image is scaled, transposed with "
    "its kernel, or flipped (where padding is the same on both sides); more images never lower it.",
    source="ours, proved beside the test",
)
R_DIGITS = claim(
    "R.digits",
    statement="Every handwritten digit of the pack has full patch rank at every odd kernel from 3 to 15 under zero "
    "padding: one digit teaches a one-layer convolution the identity.",
    source="ours, measured",
)
R_EXACT_SVD = claim(
    "R.exact-svd",
    statement="Singular values give the exact rank unless one that is not zero is lost in rounding, "
    "ε (√rows + columns) σ_max, and never more. The ranks of digits they give exactly.",
    source="ours, numerics.rank",
)


def taps_that_see(place: tuple[int, int], size: tuple[int, int], kernel: tuple[int, int]) -> int:
    """Taps t for which the window of some output pixel p has tap t at `place` = p + t − (k − 1)//2, counted naively."""
    seen = 0
    for tap in product(range(kernel[0]), range(kernel[1])):
        window = [v - t + (k - 1) // 2 for v, t, k in zip(place, tap, kernel, strict=True)]
        seen += all(0 <= p < side for p, side in zip(window, size, strict=True))
    return seen


def first_in(image: np.ndarray, direction: tuple[int, int]) -> tuple[int, int]:
    """The lit pixel that is furthest in a direction, ties broken by row and column: a vertex of the hull."""
    return max(
        (tuple(map(int, place)) for place in np.argwhere(image)),
        key=lambda place: (direction[0] * place[0] + direction[1] * place[1], place),
    )


@R_MARGIN
@given(core=pixels, kernel=kernels)
def test_margins_of_zeros_give_full_rank(core, kernel, ledger):
    assume(core.any())
    framed = np.pad(core, [(k // 2, (k - 1) // 2) for k in kernel])
    ledger.note("an even kernel needs margins of k/2 above and to the left, k/2 − 1 below and to the right")
    ledger.holds(exact(framed, kernel).deficiency == 0, image=framed, kernel=kernel)


@R_MARGIN
@given(kernel=kernels)
def test_margins_cannot_be_narrower(kernel, ledger):
    """A single pixel has full rank with these margins, and falls short with any of them a pixel narrower."""
    margins = np.array([[k // 2, (k - 1) // 2] for k in kernel])
    for narrower in np.argwhere(margins > 0).tolist():
        fewer = margins.copy()
        fewer[tuple(narrower)] -= 1
        ledger.holds(exact(np.pad([[1]], fewer), kernel).deficiency > 0, kernel=kernel, margins=fewer)


@R_MARGIN
@pytest.mark.parametrize("kernel", [(4, 2, 3), (2, 4, 2), (3, 3, 2)])
def test_margins_with_dilation_are_those_of_the_dilated_kernel(kernel, ledger):
    *taps, dilation = kernel
    reach = [dilation * (k - 1) for k in taps]
    for seed in range(10):
        core = np.random.default_rng(seed).integers(0, 256, (2, 3))
        framed = np.pad(core, [((r + 1) // 2, r // 2) for r in reach])
        ledger.holds(exact(framed, taps, dilation=dilation).deficiency == 0, image=framed, kernel=kernel)


@R_VERTEX
@given(image=pixels, kernel=kernels, direction=directions)
def test_taps_that_see_a_vertex_bound_the_rank(image, kernel, direction, ledger):
    assume(image.any())
    vertex = first_in(image, direction)
    proven = taps_that_see(vertex, image.shape, kernel)
    ledger.holds(exact(image, kernel).rank >= proven, image=image, kernel=kernel, vertex=vertex)


@R_VERTEX
@given(image=pixels, kernel=kernels, direction=directions, value=st.integers(1, 255))
def test_one_vertex_away_from_the_borders_gives_full_rank(image, kernel, direction, value, ledger):
    """Pixels anywhere, but none further in the direction than one in the middle."""
    size = [max(side, k) for side, k in zip(image.shape, kernel, strict=True)]
    place = tuple(k // 2 + (side - k) // 2 for side, k in zip(size, kernel, strict=True))
    full = np.zeros(size, int)
    full[: image.shape[0], : image.shape[1]] = image
    rows, columns = np.indices(size)
    further = direction[0] * (rows - place[0]) + direction[1] * (columns - place[1])
    further = 100 * further + 10 * np.sign(rows - place[0]) + np.sign(columns - place[1])  # ties broken by row, column
    full[further > 0] = 0
    full[place] = value
    ledger.holds(exact(full, kernel).deficiency == 0, image=full, kernel=kernel, vertex=place)


@R_VERTEX
@pytest.mark.parametrize("kernel", KERNELS)
def test_vertices_foresee_the_rank_of_digits(kernel, ledger):
    """Every tenth digit, by 32 directions; what they do not foresee is no counterexample."""
    for image in all_digits()[::10, 0]:
        for angle in np.arange(32) * np.pi / 16:
            vertex = first_in(image, (round(1000 * np.sin(angle)), round(1000 * np.cos(angle))))
            if taps_that_see(vertex, image.shape, (kernel, kernel)) == kernel**2:
                ledger.holds(exact(image, kernel).deficiency == 0, vertex=vertex, kernel=kernel)
                break


@R_CONSTANT
@given(size=st.tuples(*[st.integers(1, 9)] * 2), kernel=st.tuples(*[st.integers(1, 9)] * 2), value=values)
def test_constant_image(size, kernel, value, ledger):
    """Along an axis, D is 1 where the tap sees a pixel. The centre tap b = (k − 1)//2 always does, and row p less the
    next is e_a − e_c, a = n − 1 + b − p and c = b − 1 − p, each where it is a tap. These differences do not overlap,
    and min(n, k) − 1 of them are not zero; one row more has the centre. Along two axes ranks multiply (R.separable).
    """
    expected = np.prod(np.minimum(size, kernel)) if value else 0
    ledger.holds(exact(np.full(size, value), kernel).rank == expected, size=size, kernel=kernel, value=value)


@R_CONSTANT
@pytest.mark.parametrize("kernel", KERNELS)
def test_constant_image_of_the_size_of_a_digit(kernel, ledger):
    ledger.holds(exact(np.full((28, 28), 255, np.uint8), kernel).deficiency == 0, kernel=kernel)


@R_CORNER
@given(size=kernels, kernel=kernels, value=st.integers(1, 255), data=st.data())
def test_one_lit_pixel(size, kernel, value, data, ledger):
    place = data.draw(st.tuples(*(st.integers(0, side - 1) for side in size)))
    image = np.zeros(size, int)
    image[place] = value
    ledger.holds(exact(image, kernel).rank == taps_that_see(place, size, kernel), place=place, size=size, kernel=kernel)


@R_CORNER
@pytest.mark.parametrize("kernel", range(1, 16))
def test_one_lit_corner(kernel, ledger):
    first, last = (kernel + 1) // 2, kernel // 2 + 1  # taps that see the first pixel of an axis, and the last
    for (row, down), (column, across) in product([(0, first), (-1, last)], repeat=2):
        image = np.zeros((16, 17), int)
        image[row, column] = 255
        ledger.holds(exact(image, kernel).rank == down * across, kernel=kernel, corner=(row, column))
        ledger.holds(kernel % 2 == 0 or down * across == ((kernel + 1) // 2) ** 2, kernel=kernel)


@R_GREY
@given(image=pixels, kernel=kernels, multiples=st.lists(st.integers(-3, 3), min_size=1, max_size=4))
def test_multiples_of_one_channel(image, kernel, multiples, ledger):
    """The columns of a channel a x are a times those of x."""
    assume(any(multiples))
    stacked = np.stack([multiple * image for multiple in multiples])
    ledger.holds(exact(stacked, kernel).rank == exact(image, kernel).rank, image=image, multiples=multiples)


@R_GREY
@pytest.mark.parametrize("kernel", [3, 7, 11])
def test_grey_digits_as_rgb(kernel, ledger):
    for digit in all_digits()[::20]:
        found = exact(np.repeat(digit, 3, axis=0), kernel)
        ledger.holds((found.rank, found.columns) == (kernel**2, 3 * kernel**2), kernel=kernel)


@R_INVARIANCE
@given(case=windows(max_size=6, kind=plain_images), levels=st.integers(1, 3), scale=st.sampled_from([-7, -1, 2, 2**40]))
def test_scaling_transposition_and_bounds(case, levels, scale, ledger):
    image = np.rint(case.images * levels).astype(int)
    found = exact(image, case.kernel, **case.settings)
    turned = {name: value[::-1] if isinstance(value, tuple) and name != "padding_mode" else value
              for name, value in case.settings.items()}  # fmt: skip
    transposed = exact(image.swapaxes(-1, -2), case.kernel[::-1], **turned)
    ledger.holds(exact(image * scale, case.kernel, **case.settings) == found, case=case, scale=scale)
    ledger.holds(transposed == found, case=case)
    ledger.holds(found.rank <= found.columns == image.shape[1] * case.kernel[0] * case.kernel[1], case=case)
    first = exact(image[:1], case.kernel, **case.settings)
    ledger.holds(first.rank <= found.rank, case=case)
    ledger.holds(exact(image[::-1], case.kernel, **case.settings) == found, case=case)


@R_INVARIANCE
@given(image=pixels, kernel=kernels)
def test_rank_is_at_most_the_number_of_pixels(image, kernel, ledger):
    ledger.holds(exact(image, kernel).rank <= min(image.size, kernel[0] * kernel[1]), image=image, kernel=kernel)


@R_INVARIANCE
@given(
    image=pixels,
    kernel=kernels,
    axes=st.sampled_from([(0,), (1,), (0, 1)]),
    pads=st.tuples(*[st.integers(0, 3)] * 2),
)
def test_flips_where_padding_is_the_same_on_both_sides(image, kernel, axes, pads, ledger):
    assume(all(k <= side + 2 * pad for k, side, pad in zip(kernel, image.shape, pads, strict=True)))
    odd = tuple(k // 2 * 2 + 1 for k in kernel)
    for size, padding in ((kernel, pads), (odd, "same")):
        ranks = [exact(picture, size, padding=padding) for picture in (image, np.flip(image, axes))]
        ledger.holds(ranks[0] == ranks[1], image=image, kernel=size, padding=padding)


@R_INVARIANCE
@pytest.mark.parametrize("kernel", [2, 4, 6])
def test_flips_change_the_rank_of_even_kernels_with_same_padding(kernel, ledger):
    ledger.note("flips: not with an even kernel and padding='same', which pads one pixel more after the image")
    corner = np.zeros((8, 8), int)
    corner[0, 0] = 1
    ranks = [exact(picture, kernel).rank for picture in (corner, np.flip(corner))]
    ledger.holds(ranks == [(kernel // 2) ** 2, (kernel // 2 + 1) ** 2], kernel=kernel)


@R_DIGITS
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_digit_has_full_rank(kernel, ledger):
    for number, digit in enumerate(all_digits()):
        ledger.holds(exact(digit, kernel).deficiency == 0, digit=number, kernel=kernel)


def singular_values_above(threshold: Fraction, matrix: np.ndarray) -> int:
    """How many singular values of an integer matrix exceed a positive threshold, exactly.

    As many as the eigenvalues of DᵀD beyond its square: the roots of a polynomial that are. All of them are real, so
    Descartes' rule of signs counts those right of zero without error, after a shift.
    """
    polynomial = flint.fmpq_poly(flint.fmpz_mat((matrix.T @ matrix).tolist()).charpoly())
    shift = threshold**2
    shifted = polynomial(flint.fmpq_poly([flint.fmpq(shift.numerator, shift.denominator), 1]))
    signs = [coefficient > 0 for coefficient in shifted.coeffs() if coefficient]
    return sum(one != other for one, other in pairwise(signs))


@R_EXACT_SVD
@given(case=windows(max_images=1, kind=plain_images), levels=st.sampled_from([1, 2, 255, 2**20]))
def test_singular_values_give_the_exact_rank_to_rounding(case, levels, ledger):
    image = np.rint(case.images * levels).astype(int)
    check_svd(image, case.kernel, case.settings, ledger)


def check_svd(image: np.ndarray, kernel, settings: dict, ledger) -> None:
    """Compare the rank by SVD with the exact number of singular values, and of those beyond rounding."""
    try:
        found = patch_rank(image, kernel, **settings).rank
    except UndecidedRankError:
        return
    matrix = patch_matrix(image, kernel, **settings)
    largest = Fraction(float(np.linalg.norm(matrix.astype(float), 2)))
    # Twice the noise: a computed value is off by it, and dropped up to it; a little more for the rounding of this line.
    noise = Fraction(2) ** -52 * (isqrt(matrix.shape[0]) + 1 + matrix.shape[1]) * largest
    beyond = singular_values_above(Fraction(201, 100) * noise, matrix) if largest else 0
    exactly = exact(image, kernel, **settings).rank
    ledger.holds(beyond <= found <= exactly, image=image, kernel=kernel, settings=settings)


@R_EXACT_SVD
@pytest.mark.parametrize("taps", range(2, 14))
def test_8_bit_images_whose_rank_singular_values_miss(taps, ledger):
    """0 … 0 1 255 0 … 0 has a triangular patch matrix of determinant ±1, and a singular value of 255^(1 − k) or so."""
    ledger.note("8-bit images too: 0 0 0 0 0 0 1 255 0 0 0 0 0 has rank 7 for k = 7 without padding, and 6 by SVD")
    image = np.array([[[0] * (taps - 1) + [1, 255] + [0] * (taps - 2)]], dtype=np.uint8)
    valid = {"padding": "valid"}
    ledger.holds(exact(image, (1, taps), **valid).deficiency == 0, taps=taps)
    check_svd(image.astype(int), (1, taps), valid, ledger)
    lost = 255.0**-taps < 2.0**-52 * (taps**0.5 + taps)  # the largest is 255 or so
    ledger.holds(patch_rank(image, (1, taps), **valid).deficiency == int(lost), taps=taps)


@R_EXACT_SVD
@pytest.mark.parametrize("kernel", [3, 9, 15])
def test_singular_values_give_the_exact_rank_of_digits(kernel, ledger):
    for digit in all_digits()[::20]:
        found = patch_rank(digit, kernel)
        ledger.holds(found.rank == exact(digit, kernel).rank, kernel=kernel)

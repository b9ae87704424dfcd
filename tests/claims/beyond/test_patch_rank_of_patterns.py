"""Patch ranks of images with a structure: waves, products, polynomials, and images that padding continues."""

from itertools import product
from math import comb, lcm

import flint
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests import rational
from tests.cases import plain_images, windows
from tests.claims.patch_ranks import exact, kernels, lines, pixels, sides
from verification import claim

R_CIRCULAR = claim(
    "R.circular",
    statement="Under circular padding the patch rank is that of the Fourier matrix of the taps, restricted to the "
    "frequencies where the image's spectrum is not zero.",
    source="ours, proved beside the test",
)
R_SEPARABLE = claim(
    "R.separable",
    statement="The patch rank of an outer product u vᵀ is the product of those of u and v, under any padding.",
    source="ours, proved beside the test",
)
R_SHORT = claim(
    "R.short",
    statement="Standing waves with nodes just outside the image, stripes of period 2 among them, have rank 2 along "
    "their axis for k = 3: such images do not teach the identity.",
    source="ours, proved beside the test",
)
R_POLYNOMIAL = claim(
    "R.polynomial",
    statement="Without padding, the patch rank of a polynomial of degree q is the dimension of the span of its "
    "derivatives, at most (q + 1)(q + 2)/2, however large image and kernel are.",
    source="ours, proved beside the test",
)
R_PADDING = claim(
    "R.padding",
    statement="Padding makes a larger image: the patch rank is that of the padded image without padding. A constant "
    "has rank 1 under every padding but zeros, and a cyclic shift keeps the rank under circular padding.",
    source="ours, proved beside the test",
)

NUMPY_PADDING = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}


@st.composite
def patterns(draw: st.DrawFn) -> np.ndarray:
    """Pictures with gaps in their spectrum: repeated, and filtered by differences and sums of cyclic shifts."""
    tile = draw(arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=st.integers(0, 9)))
    picture = np.tile(tile, draw(st.tuples(st.integers(1, 2), st.integers(1, 2))))
    for _ in range(draw(st.integers(0, 2))):
        axis, shift, sign = draw(st.tuples(st.integers(0, 1), st.integers(1, 3), st.sampled_from([-1, 1])))
        picture = picture + sign * np.roll(picture, shift, axis)
    return picture


def fourier_rank(picture: np.ndarray, kernel: tuple[int, int]) -> int:
    """The rank of the Fourier matrix of the taps at the frequencies of the picture, exactly.

    Everything lives in ℚ(ζ), ζ a primitive root of unity of order L = lcm(H, W), whose elements are polynomials modulo
    the cyclotomic polynomial Φ: one vanishes iff Φ divides it. Written as the matrix that multiplies by it, every entry
    becomes φ × φ integers, φ = deg Φ, and the rank becomes φ times as large.
    """
    height, width = picture.shape
    order = lcm(height, width)
    cyclotomic = flint.fmpz_poly.cyclotomic(order)
    degree = cyclotomic.degree()

    def reduced(powers: dict[int, int]) -> list[int]:
        polynomial = flint.fmpz_poly([powers.get(power, 0) for power in range(order + degree)]) % cyclotomic
        return [int(polynomial[i]) for i in range(degree)]

    times = [[reduced({power + i: 1}) for i in range(degree)] for power in range(order)]  # ζ^power, as a matrix
    blocks = []
    for f, g in product(range(height), range(width)):
        spectrum: dict[int, int] = {}
        for (i, j), value in np.ndenumerate(picture):
            power = (f * i * (order // height) + g * j * (order // width)) % order
            spectrum[power] = spectrum.get(power, 0) + int(value)
        if any(reduced(spectrum)):
            taps = product(range(kernel[0]), range(kernel[1]))
            powers = [(f * a * (order // height) + g * b * (order // width)) % order for a, b in taps]
            blocks.append([times[power] for power in powers])
    if not blocks:
        return 0
    matrix = np.array(blocks)  # frequencies, taps, φ, φ
    rows, columns = matrix.shape[0] * degree, matrix.shape[1] * degree
    found = flint.fmpz_mat(matrix.transpose(0, 2, 1, 3).reshape(rows, columns).tolist()).rank()
    assert found % degree == 0
    return found // degree


@R_CIRCULAR
@given(picture=patterns(), kernel=kernels)
def test_circular_padding_sees_the_spectrum(picture, kernel, ledger):
    """The columns are cyclic shifts of x, so D = F⁻¹ diag(F x) P with P[f, t] = ω^(f·(t − b)), and F⁻¹ is regular."""
    assume(all(k // 2 <= side for k, side in zip(kernel, picture.shape, strict=True)))
    found = exact(picture, kernel, padding_mode="circular").rank
    ledger.holds(found == fourier_rank(picture, kernel), picture=picture, kernel=kernel)


@R_CIRCULAR
@pytest.mark.parametrize("kernel", [3, 5, 7, 9])
def test_circular_padding_of_periodic_patterns(kernel, ledger):
    """A pattern that repeats every 4 × 6 pixels has 24 frequencies at most."""
    for seed in range(4):
        pattern = np.tile(np.random.default_rng(seed).integers(0, 256, (4, 6)), (3, 2))
        found = exact(pattern, kernel, padding_mode="circular").rank
        ledger.holds(found == fourier_rank(pattern, (kernel, kernel)) <= 24, seed=seed, kernel=kernel)


@R_SEPARABLE
@given(case=windows(max_images=1, max_channels=1), u=lines, v=lines)
def test_outer_products(case, u, v, ledger):
    """The patch matrix is the Kronecker product of those of u and v."""
    height, width = case.images.shape[2:]
    u, v = np.resize(u, height), np.resize(v, width)
    settings = {name: case.settings[name] for name in ("stride", "dilation")}
    padding = case.settings["padding"]

    def along(line: np.ndarray, axis: int) -> int:
        picture = line[:, None] if axis == 0 else line[None, :]
        kernel = [1, 1]
        kernel[axis] = case.kernel[axis]
        one = {name: tuple(pair[axis] if i == axis else 1 for i in (0, 1)) for name, pair in settings.items()}
        pads = padding if isinstance(padding, str) else tuple(padding[axis] if i == axis else 0 for i in (0, 1))
        return exact(picture, kernel, padding=pads, padding_mode=case.settings["padding_mode"], **one).rank

    found = exact(np.outer(u, v), case.kernel, **case.settings).rank
    ledger.holds(found == along(u, 0) * along(v, 1), u=u, v=v, kernel=case.kernel, settings=case.settings)


def standing_waves() -> list[list[int]]:
    """Integers u with u[i + 1] = c u[i] − a u[i − 1], zero just before the first and just after the last."""
    waves = []
    for c, a in product(range(-3, 4), repeat=2):
        before, wave = 0, [1]
        while len(wave) < 12:
            before, after = wave[-1], c * wave[-1] - a * before
            if after == 0 and len(wave) > 1:
                waves.append(list(wave))
            wave.append(after)
    return waves


@R_SHORT
@pytest.mark.parametrize("wave", standing_waves())
def test_standing_waves_are_short_of_rank(wave, ledger):
    """The kernel (a, −c, 1) gives zero everywhere; two rows are independent as the first pixel is not zero."""
    other = np.arange(1, 8) ** 2
    along = exact(other[None], (1, 3)).rank
    ledger.holds(exact(np.outer(wave, other), 3).rank == 2 * along == 6, wave=wave)
    ledger.holds(exact(np.outer(wave, wave), 3).rank == 4, wave=wave)


@R_SHORT
@pytest.mark.parametrize("size", [5, 7, 27, 29])
def test_stripes_and_checkerboards_that_end_as_they_begin(size, ledger):
    rows, columns = np.indices((size, size))
    ledger.holds(exact((rows + 1) % 2, 3).rank == 6, stripes=size)
    ledger.holds(exact((rows + 1) % 2 * ((columns + 1) % 2), 3).rank == 4, dots=size)
    ledger.holds(exact((rows[:-1] + 1) % 2, 3).deficiency == 0, stripes_cut=size)


@R_POLYNOMIAL
@given(degree=st.integers(0, 3), data=st.data())
def test_polynomials_have_the_rank_of_their_derivatives(degree, data, ledger):
    """f(p + t) = Σ M[α, β] p^α t^β, M[α, β] = C(α + β, α) f_{α+β}; grids of more than q points tell powers apart."""
    powers = list(product(range(degree + 1), repeat=2))
    coefficient = {
        power: data.draw(st.integers(-3, 3), label=f"coefficient of {power}") if sum(power) <= degree else 0
        for power in product(range(2 * degree + 1), repeat=2)
    }
    table = [
        [comb(a[0] + b[0], a[0]) * comb(a[1] + b[1], a[1]) * coefficient[a[0] + b[0], a[1] + b[1]] for b in powers]
        for a in powers
    ]
    kernel = data.draw(st.tuples(*[st.integers(degree + 1, degree + 3)] * 2), label="kernel")
    windows_along = data.draw(st.tuples(*[st.integers(degree + 1, degree + 4)] * 2), label="windows")
    rows, columns = np.indices([k + w - 1 for k, w in zip(kernel, windows_along, strict=True)])
    image = sum(c * rows ** power[0] * columns ** power[1] for power, c in coefficient.items())
    found = exact(image, kernel, padding="valid").rank
    ledger.holds(found == rational.rank(table), coefficient=coefficient, kernel=kernel)
    ledger.holds(found <= (degree + 1) * (degree + 2) // 2, coefficient=coefficient, kernel=kernel)


@R_PADDING
@given(case=windows(max_size=6, kind=plain_images), levels=st.integers(1, 3))
def test_padding_makes_a_larger_image(case, levels, ledger):
    """By definition; against NumPy's padding."""
    image = np.rint(case.images * levels).astype(int)
    padding, stride, dilation = (case.settings[name] for name in ("padding", "stride", "dilation"))
    if padding == "same":
        reach = [d * (k - 1) for d, k in zip(dilation, case.kernel, strict=True)]
        pads = [(r // 2, r - r // 2) for r in reach]
    else:
        pads = [(0, 0), (0, 0)] if padding == "valid" else [(pad, pad) for pad in padding]
    padded = np.pad(image, [(0, 0), (0, 0), *pads], mode=NUMPY_PADDING[case.settings["padding_mode"]])
    without = exact(padded, case.kernel, padding="valid", stride=stride, dilation=dilation)
    ledger.holds(exact(image, case.kernel, **case.settings) == without, case=case)


@R_PADDING
@given(case=windows(max_size=6), value=st.integers(1, 255))
def test_constants_under_paddings_that_continue_them(case, value, ledger):
    """All entries of D are equal."""
    image = np.full(case.images.shape, value)
    mode = "replicate" if case.settings["padding_mode"] == "zeros" else case.settings["padding_mode"]
    found = exact(image, case.kernel, **{**case.settings, "padding_mode": mode})
    ledger.holds(found.rank == 1, case=case)


@R_PADDING
@given(image=pixels, kernel=kernels, shift=st.tuples(sides, sides))
def test_cyclic_shifts_under_circular_padding(image, kernel, shift, ledger):
    """A shift permutes the rows of D."""
    assume(all(k // 2 <= side for k, side in zip(kernel, image.shape, strict=True)))
    shifted = np.roll(image, shift, axis=(0, 1))
    ranks = [exact(picture, kernel, padding_mode="circular").rank for picture in (image, shifted)]
    ledger.holds(ranks[0] == ranks[1], image=image, kernel=kernel, shift=shift)

"""What supports prove: hull vertices against all directions, bounds against exact ranks."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numerics import patch_rank
from numerics.rank_certificate import SupportCertificate, hull_vertices, support_certificate
from tests.cases import WindowCase, windows

supports = arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6)))


@given(supports)
def test_hull_vertices_are_the_places_where_a_direction_has_its_only_maximum(support):
    places = [tuple(map(int, place)) for place in np.argwhere(support)]
    expected = set()
    for down, across in product(range(-40, 41), repeat=2):  # neighbouring edges of 6 × 6 points differ by more
        heights = [down * row + across * column for row, column in places]
        if heights and heights.count(max(heights)) == 1:
            expected.add(places[heights.index(max(heights))])
    found = list(hull_vertices(support))
    assert set(found) == expected
    assert len(found) == len(expected)


@given(windows(max_size=6, max_images=3, max_channels=1), st.integers(1, 4))
def test_bound_never_exceeds_the_exact_rank(case, sparsity):
    whole = (np.floor(case.images * 2 * sparsity) == 0).astype(np.uint8) * 7
    proven = support_certificate(whole, case.kernel, **case.settings)
    exact = patch_rank(whole, case.kernel, method="exact", **case.settings)
    assert proven.rank_at_least <= exact.rank
    assert proven.columns == exact.columns
    assert not proven.full_rank or exact.deficiency == 0
    assert proven.full_rank or not proven.margins
    assert (proven.vertex is None) == (not proven.rank_at_least)


@given(windows(max_size=6, max_images=1, max_channels=1), st.data())
def test_bound_is_the_rank_of_a_single_pixel(case, data):
    _, _, height, width = case.images.shape
    place = data.draw(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)))
    image = np.zeros((1, 1, height, width), int)
    image[0, 0][place] = -3
    settings = {**case.settings, "padding_mode": "zeros"}
    proven = support_certificate(image, case.kernel, **settings)
    exact = patch_rank(image, case.kernel, method="exact", **settings)
    assert proven.rank_at_least == exact.rank
    assert proven.vertex == ((0, *place) if exact.rank else None)
    assert proven.margins == (exact.deficiency == 0)


def test_margins_of_an_even_kernel_are_wider_above_and_to_the_left():
    for top, left in product(range(4), repeat=2):
        image = np.zeros((1, top + 1 + 1, left + 1 + 1), int)
        image[0, top, left] = 1
        assert support_certificate(image, 4).full_rank == (top >= 2 and left >= 2)


def test_certificate_of_a_frame_with_a_point_inside():
    """A vertex at the border is not seen by all taps, whatever lies inside; one away from it is enough."""
    frame = np.zeros((1, 9, 9), np.uint8)
    frame[0, [0, 0, 8, 8], [0, 8, 0, 8]] = 1
    assert support_certificate(frame, 3) == SupportCertificate(4, 9, (0, 0, 0), False)
    triangle = np.zeros((1, 9, 9), np.uint8)
    triangle[0, [0, 8, 4], [0, 0, 5]] = 1
    assert support_certificate(triangle, 7) == SupportCertificate(49, 49, (0, 4, 5), False)


def test_best_image_of_several_counts_and_every_array_kind_is_taken():
    images = np.zeros((3, 1, 7, 7))
    images[1, 0, 0, 0] = 0.5
    images[2, 0, 3, 3] = -0.25
    for given_images in (images, torch.from_numpy(images)):
        assert support_certificate(given_images, 5) == SupportCertificate(25, 25, (2, 3, 3), True)
    assert support_certificate(images[[2, 1, 0]], 5) == SupportCertificate(25, 25, (0, 3, 3), True)
    assert support_certificate(images[0], 5) == SupportCertificate(0, 25, None, False)


def test_padding_that_is_not_of_zeros_is_part_of_the_image():
    ones = np.ones((1, 4, 4), int)
    wrapped = support_certificate(ones, 3, padding_mode="circular")
    assert (wrapped.rank_at_least, wrapped.vertex) == (1, (0, -1, -1))


def test_channels_are_refused():
    with pytest.raises(ValueError, match="images must have one channel, got 2"):
        support_certificate(np.ones((2, 4, 4)), 3)


def test_settings_are_checked_like_those_of_patch_matrix():
    case = WindowCase(np.ones((1, 1, 4, 4)), (5, 5), {"padding": "valid"})
    with pytest.raises(ValueError, match="kernel_size spans 5 pixels"):
        support_certificate(case.images, case.kernel, **case.settings)
    with pytest.raises(TypeError, match="images must be a NumPy or torch array"):
        support_certificate([[1]], 3)

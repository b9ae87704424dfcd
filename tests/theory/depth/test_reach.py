"""Reach and least depth, against definitions and against each other."""

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from files import embedded_digits
from tests.cases import padding_modes, seeds
from tests.theory.depth.constant_network import constant_network
from tests.theory.depth.naive import sights
from theory.depth import ceiling, least_depth, pixel_classes, reach

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(st.integers(1, 3), sizes, st.integers(0, 1))
def test_a_pixel_is_in_reach_iff_changing_it_changes_what_is_seen(depth, kernel, axis):
    """From the middle of a black image, no border in reach: one white pixel after the other, along an axis."""
    found = reach(depth, kernel)
    middle = tuple(max(sides) + 1 for sides in found.pixels)
    images = np.zeros((2 * middle[axis] + 2, 1, *(2 * m + 1 for m in middle)))
    for place, image in enumerate(images[:-1]):  # the last stays black
        image[0, *(place if a == axis else m for a, m in enumerate(middle))] = 1
    seen_from_middle = pixel_classes(images, depth, kernel)[:, *middle]
    changed = np.flatnonzero(seen_from_middle != seen_from_middle[-1]) - middle[axis]
    before, after = found.pixels[axis]
    assert changed.tolist() == list(range(-before, after + 1))


@given(st.integers(1, 3), sizes, st.integers(0, 1))
def test_the_border_is_in_reach_iff_it_changes_what_is_seen(depth, kernel, axis):
    """On a black image from pixels so many away from the border, beside one that is far away from it."""
    found = reach(depth, kernel)
    size = 2 * depth * max(kernel) + 3
    classes = pixel_classes(np.zeros((1, size, size)), depth, kernel)
    line = np.moveaxis(classes, axis, 0)[:, size // 2]
    changed = np.flatnonzero(line != line[size // 2])
    before, after = found.border[axis]
    assert changed.tolist() == [*range(before), *range(size - after, size)]


def test_reach_of_the_papers_networks():
    assert reach(8, 5).pixels == ((16, 16), (16, 16))
    assert reach(8, 5).border == ((14, 14), (14, 14))
    assert reach(3, (4, 1), dilation=(2, 5)).pixels == ((9, 9), (0, 0))
    assert reach(3, 4).pixels == ((3, 6), (3, 6))


@pytest.mark.parametrize(("kernel", "depth"), [(3, 15), (5, 8), (7, 6), (9, 5), (15, 3), (27, 3), (29, 2), (1, None)])
def test_digits_need_as_many_layers_as_the_border_is_away(kernel, depth):
    """(L − 1) r ≥ (s − 1)/2 for s = 28, by the digits' own pixels, which are not flat inside."""
    assert {least_depth(digit, kernel) for digit in embedded_digits()[::20]} == {depth}


@given(
    st.data(), st.tuples(st.integers(1, 4), st.integers(1, 4)), padding_modes, st.booleans(),
    st.sampled_from([(1, 1), (1, 1), (3, 3), (2, 3)]),
)  # fmt: skip
@example(np.eye(3)[None], (2, 2), "zeros", True, (3, 3))  # no tap sees the pixel itself
@example(np.eye(2, 4)[None], (2, 2), "zeros", True, (3, 3))
def test_least_depth_is_the_first_at_which_a_black_image_tells_enough(data, kernel, mode, bias, dilation):
    added = [(d * (k - 1) + 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    least = [max(1, {"circular": pad, "reflect": pad + 1}.get(mode, 1)) for pad in added]  # what padding can repeat
    if isinstance(data, np.ndarray):
        x_hat = data
    else:
        shape = (data.draw(st.integers(1, 2)), *(data.draw(st.integers(low, 7)) for low in least))
        x_hat = data.draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0]), fill=st.just(0.0)))
    settings = {"padding_mode": mode, "bias": bias, "dilation": dilation}

    def expressible(depth: int) -> bool:
        held: dict = {}
        for place, sight in np.ndenumerate(sights(0 * x_hat, depth, kernel, **settings)):
            if sight == "nothing":
                held.setdefault(sight, (0.0,) * len(x_hat))
            if held.setdefault(sight, tuple(x_hat[:, *place])) != tuple(x_hat[:, *place]):
                return False
        return True

    most = 3  # deeper trees are too large to spell out
    expected = next((depth for depth in range(1, most + 1) if expressible(depth)), None)
    found = least_depth(x_hat, kernel, **settings)
    assert found == expected if expected else found is None or found > most
    if found:  # and then the ceiling allows it
        assert ceiling(0 * x_hat, x_hat, found, kernel, **settings).mse_to_training_image == 0


@given(st.data(), st.tuples(st.sampled_from([1, 2, 3, 5]), st.sampled_from([2, 3, 4])), seeds)
def test_at_the_least_depth_there_is_a_network_that_is_the_constant_function(data, kernel, seed):
    """A real one, and it answers any image with x̂ to rounding. Often x̂ is flat in the middle, and the depth less."""
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(2, 7), st.integers(2, 7)))
    x_hat = np.ones(shape)
    margin = [data.draw(st.integers(1, side)) for side in shape[1:]]
    for rows, columns in ((slice(margin[0]), slice(None)), (slice(None), slice(margin[1]))):
        part = x_hat[:, rows, columns]
        part[...] = data.draw(arrays(np.float64, part.shape, elements=st.integers(-3, 3).map(float)))
    depth = least_depth(x_hat, kernel)
    assume(depth is not None and depth >= 3)
    asked = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, *shape)))
    network, rounding = constant_network(x_hat, depth, kernel)
    with torch.no_grad():
        assert np.abs(network(asked).numpy() - x_hat).max() <= rounding
    if depth > 3:  # one layer less falls short by more than rounding
        network, rounding = constant_network(x_hat, depth - 1, kernel)
        with torch.no_grad():
            assert np.abs(network(asked).numpy() - x_hat).max() > rounding

"""Classes of pixels: against all that a pixel depends on, spelled out, and against networks with random weights."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from tests.cases import WindowCase, padding_modes, seeds, windows
from tests.running_error import outputs_and_bound
from tests.theory.depth.naive import sights, window_and_mask
from theory.depth import pixel_classes

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
ACTIVATIONS = {
    "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky_relu": nn.functional.leaky_relu,
}  # fmt: skip


def few_values(shape):
    """Images with many equal pixels, so that there are classes; 0 among the values, and negative ones."""
    return arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.0, 0.0, 1.0, -0.5, 3e-17]), fill=st.just(0.0))


def same_pairs(classes: np.ndarray, things: list) -> bool:
    """Whether two pixels are in one class just where two things are equal."""
    numbers: dict = {}
    named = [numbers.setdefault(thing, len(numbers)) for thing in things]  # in the order in which they first occur
    return classes.ravel().tolist() == named


@given(
    windows(kind=few_values, max_size=6),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
)
# A kernel whose taps never see the pixel itself, on an image that they leap over: what the closed form would not tell.
@example(WindowCase(np.eye(3)[None, None], (2, 2), {"dilation": (3, 3), "padding": "same"}), 3, True, False)
@example(WindowCase(np.eye(4)[None, None], (2, 3), {"dilation": (3, 1), "padding": "same"}), 3, False, True)
def test_pixels_of_one_class_depend_on_the_same(case, depth, bias, skips):
    options = {**case.settings, "bias": bias, "skips": skips and case.settings["padding"] == "same"}
    try:
        expected = [sights(image, depth, case.kernel, **options) for image in case.images]
    except ValueError:  # too small for reflections, or
        expected = []
    if not expected or expected[0].size == 0:  # for the kernel, after some layers
        with pytest.raises(ValueError, match=r"kernel_size|padding_mode"):
            pixel_classes(case.images, depth, case.kernel, **options)
        return
    found = pixel_classes(case.images, depth, case.kernel, **options)
    assert found.shape[1:] == expected[0].shape
    assert same_pairs(found, [sight for image in expected for sight in image.ravel()])


@given(st.data(), st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(1, 4))
def test_with_zeros_a_class_is_a_window_and_what_of_it_is_outside(data, kernel, depth):
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 6), st.integers(1, 6)))
    images = data.draw(few_values(shape))
    expected = [seen for image in images for seen in window_and_mask(image, depth, kernel).values()]
    assert same_pairs(pixel_classes(images, depth, kernel), expected)


@given(
    windows(kind=few_values, max_size=5, max_images=2), st.integers(1, 3), st.sampled_from(sorted(ACTIVATIONS)), seeds
)
def test_random_networks_answer_a_class_alike_and_no_others(case, depth, activation, seed):
    """Alike within rounding; and pixels of two classes are further apart than that in some of 24 random outputs."""
    plain = np.round(case.images, 3)  # generic weights tell 0 and 1 apart, within rounding not 0 and 1e-17
    try:
        classes = pixel_classes(plain, depth, case.kernel, **case.settings)
    except ValueError:
        return
    sizes = [plain.shape[1], *[24] * depth]
    layers = [
        nn.Conv2d(before, after, case.kernel, **case.settings, dtype=torch.float64) for before, after in pairwise(sizes)
    ]
    generator = torch.Generator().manual_seed(seed)
    for layer in layers:
        scale = 1 / np.sqrt(layer.weight[0].numel())
        layer.weight.data = scale * torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64)
        layer.bias.data = torch.randn(layer.bias.shape, generator=generator, dtype=torch.float64)
    outputs, bound = (
        np.moveaxis(kind, 1, -1).reshape(classes.size, -1)
        for kind in outputs_and_bound(layers, activation, ACTIVATIONS[activation], plain)
    )
    classes = classes.ravel()
    first = np.unique(classes, return_index=True)[1]
    assert (np.abs(outputs - outputs[first[classes]]) <= bound + bound[first[classes]]).all()
    apart = np.abs(outputs[first][:, None] - outputs[first][None]) > bound[first][:, None] + bound[first][None]
    assert (apart.any(axis=2) | np.eye(len(first), dtype=bool)).all()


@pytest.mark.parametrize(
    ("mode", "kernel", "bias"),
    [("zeros", (3, 3), True), ("zeros", (3, 3), False), ("zeros", (2, 3), True), ("circular", (2, 2), True)],
)
def test_all_black_and_white_images_of_six_pixels(mode, kernel, bias):
    """Every window that there is, at depths 1 to 3."""
    images = np.array(list(product([0.0, 1.0], repeat=6))).reshape(-1, 1, 2, 3)
    for depth in (1, 2, 3):
        seen = [sights(image, depth, kernel, padding_mode=mode, bias=bias) for image in images]
        found = pixel_classes(images, depth, kernel, padding_mode=mode, bias=bias)
        assert same_pairs(found, [sight for image in seen for sight in image.ravel()])


def whole_numbers(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randint(-2, 3, shape, generator=generator).double()


@given(
    st.data(), st.sampled_from([(3, 3), (2, 2), (2, 3), (1, 2)]), st.sampled_from([(1, 1), (3, 3), (3, 1)]),
    padding_modes, st.integers(1, 3), st.booleans(), st.booleans(), seeds,
)  # fmt: skip
# Taps at −1 and +2 that never see the pixel itself: a skip tells what the kernel does not.
@example(None, (2, 2), (3, 3), "zeros", 2, True, True, 0)
@example(None, (2, 2), (3, 3), "zeros", 2, False, True, 0)
def test_networks_with_skips_and_without_biases_answer_a_class_exactly_alike(
    data, kernel, dilation, mode, depth, bias, skips, seed
):
    """With whole weights and pixels nothing is rounded. A skip leads from every layer to the next, and past it."""
    shape = (2, 1, 5, 5)
    images = np.kron(np.eye(5), np.eye(1))[None, None].repeat(2, 0) if data is None else data.draw(few_values(shape))
    images = np.round(images * 2)
    settings = {"padding_mode": mode, "dilation": dilation, "padding": "same"}
    classes = pixel_classes(images, depth, kernel, padding_mode=mode, dilation=dilation, bias=bias, skips=skips)
    generator, x = torch.Generator().manual_seed(seed), torch.from_numpy(images)
    outputs = []
    for _ in range(4):  # networks, together enough outputs to tell classes apart
        values = [x]
        for layer in range(depth):
            inputs = values[-1] if layer == 0 else torch.relu(values[-1])
            conv = nn.Conv2d(inputs.shape[1], 6, kernel, **settings, dtype=torch.float64)
            conv.weight.data = whole_numbers(generator, *conv.weight.shape)
            conv.bias.data = bias * whole_numbers(generator, *conv.bias.shape)
            with torch.no_grad():
                found = conv(inputs)
                if skips:
                    for earlier in values:
                        found = found + torch.einsum(
                            "oc,nchw->nohw", whole_numbers(generator, 6, earlier.shape[1]), earlier
                        )
            values.append(found)
        outputs.append(values[-1])
    flat = torch.cat(outputs, dim=1).permute(0, 2, 3, 1).reshape(classes.size, -1).numpy()
    assert np.abs(flat).max() < 2**40  # whole numbers that float64 holds, and their sums
    classes = classes.ravel()
    first = np.unique(classes, return_index=True)[1]
    np.testing.assert_array_equal(flat, flat[first[classes]])
    assert len(np.unique(flat, axis=0)) == len(first)


def test_classes_are_of_the_images_kind():
    images = torch.arange(18.0).reshape(2, 1, 3, 3)
    found = pixel_classes(images, 2, 3)
    assert isinstance(found, torch.Tensor)
    assert (found.dtype, found.shape) == (torch.int64, (2, 3, 3))
    np.testing.assert_array_equal(found[0], pixel_classes(images[0], 2, 3))
    np.testing.assert_array_equal(found, pixel_classes(images.numpy().astype(np.int64), 2, 3))

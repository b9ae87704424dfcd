"""The floor of deep linear convolutional networks: against matrices of networks whose weights are all positive."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from tests.cases import WindowCase, random_images, windows
from theory.depth import linear_floor

U = 2.0**-53
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


def positive(shape):
    return arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0, 0.5, -2.0]), fill=st.just(0.0))


@given(windows(kind=positive, max_images=1), st.integers(1, 4))
def test_the_floor_is_what_lies_where_no_path_leads(case: WindowCase, depth):
    """Of a network of positive weights no entry is 0 to which a path leads: nothing cancels."""
    (x_hat,), settings = case.images, {**case.settings, "stride": (1, 1), "padding": "same"}
    if settings["padding_mode"] in ("circular", "reflect"):
        spans = [d * (k - 1) // 2 + 1 for k, d in zip(case.kernel, settings["dilation"], strict=True)]
        if any(span >= side for span, side in zip(spans, x_hat.shape[1:], strict=True)):
            return
    if not x_hat.any():
        with pytest.raises(ValueError, match="x_hat must not be black"):
            linear_floor(x_hat, depth, case.kernel)
        return
    conv = nn.Conv2d(1, 1, case.kernel, bias=False, dtype=torch.float64, **settings)
    conv.weight.data.fill_(0.5)
    pixels = x_hat[0].size
    paths = torch.eye(pixels, dtype=torch.float64).reshape(pixels, 1, *x_hat.shape[1:])
    with torch.no_grad():
        for _ in range(depth):
            paths = conv(paths)
    reached = paths.reshape(pixels, pixels).T.numpy() > 0  # outputs, inputs
    flat = x_hat.reshape(len(x_hat), pixels)
    projector = np.einsum("cp,dq->cdpq", flat, flat) / np.sum(flat**2)
    settings = {name: settings[name] for name in ("padding_mode", "dilation")}
    found = linear_floor(x_hat, depth, case.kernel, **settings)
    assert abs(found - np.sum(projector[:, :, ~reached] ** 2)) <= 4 * pixels * U


def test_a_pixel_of_each_corner_needs_the_whole_way():
    """2 (s − 1)/(k − 1) layers for s = 9: 8 of 3×3, 4 of 5×5. A margin of black pixels shortens it."""
    corners = np.zeros((1, 9, 9))
    corners[0, [0, 8], [0, 8]] = 1
    for kernel, layers in ((3, 8), (5, 4)):
        assert linear_floor(corners, layers - 1, kernel) == 0.5
        assert linear_floor(corners, layers, kernel) == 0
    assert linear_floor(np.pad(corners[:, ::8, ::8], [(0, 0), (3, 4), (3, 4)]), 1, 3) == 0
    assert linear_floor(corners, 1, 3, padding_mode="circular") == 0


def test_floors_know_no_scale_and_are_of_the_images_kind():
    x_hat = random_images(0, (2, 6, 6))
    for factor in (2.0**600, 2.0**-600):
        assert linear_floor(factor * x_hat, 2, 3) == linear_floor(x_hat, 2, 3)
    found = linear_floor(torch.from_numpy(x_hat).float(), 2, 3)
    assert isinstance(found, torch.Tensor)
    assert (found.shape, found.dtype) == ((), torch.float32)
    assert abs(float(found) - linear_floor(x_hat, 2, 3)) <= 2.0**-22

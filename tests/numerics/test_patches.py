"""Patch matrices against loops, torch's unfold and torch's convolution."""

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import gram as gram_module
from numerics import patch_gram, patch_matrix, patch_rank, patches
from numerics.gram import entry_error
from numerics.window import Window
from tests import reference
from tests.cases import WindowCase, random_images, seeds, windows

# Torch warns once a process, in whichever test comes first.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


def naive(case: WindowCase) -> np.ndarray:
    options = {key: case.settings[key] for key in ("stride", "padding", "dilation")}
    return reference.patch_matrix(case.images, case.kernel, mode=case.settings["padding_mode"], **options)


@given(windows())
def test_patch_matrix_is_what_each_tap_sees(case):
    np.testing.assert_array_equal(patch_matrix(case.images, case.kernel, **case.settings), naive(case))


@given(windows())
def test_every_array_kind_gives_the_same_matrix(case):
    expected = patch_matrix(case.images, case.kernel, **case.settings)
    from_torch = patch_matrix(torch.from_numpy(case.images), case.kernel, **case.settings)
    assert isinstance(from_torch, torch.Tensor)
    np.testing.assert_array_equal(from_torch.numpy(), expected)
    strict = patch_matrix(array_api_strict.asarray(case.images), case.kernel, **case.settings)
    assert strict.__array_namespace__() is array_api_strict
    np.testing.assert_array_equal(np.asarray(strict), expected)


@given(seeds, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
def test_column_and_row_order_are_those_of_torch_unfold(seed, kernel, stride, padding, dilation):
    images = random_images(seed, (2, 3, 8, 9))
    unfolded = torch.nn.functional.unfold(
        torch.from_numpy(images), kernel, stride=stride, padding=padding, dilation=dilation
    )
    rows = unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])
    matrix = patch_matrix(images, kernel, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_array_equal(matrix, rows.numpy())


@given(windows(), seeds)
def test_patch_matrix_times_kernel_is_torch_convolution(case, seed):
    channels = case.images.shape[1]
    torch.manual_seed(seed)
    conv = torch.nn.Conv2d(channels, 2, case.kernel, bias=False, dtype=torch.float64, **case.settings)
    with torch.no_grad():
        expected = conv(torch.from_numpy(case.images)).numpy()
    weights = conv.weight.detach().numpy().reshape(2, -1)
    matrix = patch_matrix(case.images, case.kernel, **case.settings)
    product = (matrix @ weights.T).reshape(case.images.shape[0], *expected.shape[2:], 2)
    # Two sums of the same products in different orders: each within γ_n of the exact one.
    bound = 2 * matrix.shape[1] * np.finfo(float).eps * (np.abs(matrix) @ np.abs(weights.T))
    assert (np.abs(np.moveaxis(product, -1, 1) - expected) <= np.moveaxis(bound.reshape(product.shape), -1, 1)).all()


@given(windows())
def test_settings_that_torch_refuses_are_refused_and_the_others_taken(case):
    small = case.images[:, :, :2, :2]
    conv = torch.nn.Conv2d(small.shape[1], 1, case.kernel, dtype=torch.float64, **case.settings)
    try:
        with torch.no_grad():
            size = conv(torch.from_numpy(small)).shape[2:].numel()
    except RuntimeError:
        with pytest.raises(ValueError, match=r"kernel_size|padding_mode"):
            patch_matrix(small, case.kernel, **case.settings)
    else:
        assert patch_matrix(small, case.kernel, **case.settings).shape[0] == size * len(small)


@given(windows())
def test_gram_of_floats_is_that_of_the_patch_matrix_to_rounding(case):
    matrix = naive(case)
    gram = patch_gram(case.images, case.kernel, **case.settings)
    bound = 2 * entry_error(case.images, Window.of(case.kernel, **case.settings))
    assert gram.dtype == case.images.dtype
    assert (np.abs(gram - matrix.T @ matrix) <= bound).all()


@given(windows(), st.sampled_from([np.uint8, np.uint16, np.uint64, np.int16, np.int32, np.int64]), seeds)
def test_gram_of_integers_is_exact(case, dtype, seed):
    info = np.iinfo({np.uint64: np.uint16, np.int64: np.int16}.get(dtype, dtype))
    low, high = max(info.min, -(2**28)), min(info.max, 2**28)
    whole = np.random.default_rng(seed).integers(low, high, case.images.shape, dtype=dtype, endpoint=True)
    matrix = naive(WindowCase(whole, case.kernel, case.settings)).astype(object)  # Python integers
    for images in (whole, torch.from_numpy(whole)):
        gram = patch_gram(images, case.kernel, **case.settings)
        assert str(gram.dtype).endswith("int64")
        assert (np.asarray(gram).astype(object) == matrix.T @ matrix).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_gram_is_the_same_in_blocks(monkeypatch, stride):
    images = random_images(0, (3, 2, 9, 8))
    for module in (patches, gram_module):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 1)
    matrix = reference.patch_matrix(images, (3, 3), (stride, stride), (1, 1))
    bound = 2 * entry_error(images, Window.of(3, padding=1, stride=stride))
    assert (np.abs(patch_gram(images, 3, padding=1, stride=stride) - matrix.T @ matrix) <= bound).all()


@given(seeds)
def test_gram_of_single_precision_is_rounded_once(seed):
    images = random_images(seed, (1, 2, 12, 12)).astype(np.float32)
    matrix = reference.patch_matrix(images, (3, 3)).astype(float)
    gram = patch_gram(images, 3)
    assert gram.dtype == np.float32
    # Half a unit in the last place of float32, beside what the sums in float64 are off by.
    exact = matrix.T @ matrix
    assert (np.abs(gram - exact) <= 2.0**-24 * exact + 2 * entry_error(images.astype(float), Window.of(3))).all()


@pytest.mark.parametrize("shift", range(24, 32))
def test_gram_near_the_limits_of_machine_arithmetic(shift):
    pixel = 2**shift - 1
    assert patch_gram(np.array([[[pixel]]]), 1).tolist() == [[pixel**2]]
    assert patch_gram(np.array([[[-pixel, 1]]]), 1).tolist() == [[pixel**2 + 1]]


@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 1, 1, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_gram_refuses_integers_whose_sums_might_overflow(shape, sign):
    """Two squares of 2³¹ make 2⁶³, one too many for 64 bits."""
    with pytest.raises(ValueError, match="entries up to 2147483648 may overflow"):
        patch_gram(np.full(shape, sign * 2**31), 1)
    assert patch_gram(np.full((1, 1, 1), sign * 2**31), 1).tolist() == [[2**62]]


@pytest.mark.parametrize(
    "three", [np.int8(3), np.array(3), torch.tensor(3), [3, 3], np.array([3, 3]), torch.Size([3, 3])]
)
def test_a_kernel_size_may_be_any_integer_or_pair_of_them(three):
    images = random_images(0, (1, 5, 5))
    np.testing.assert_array_equal(patch_matrix(images, three), patch_matrix(images, 3))


def test_one_pixel_image():
    np.testing.assert_array_equal(patch_matrix(np.array([[[7]]]), 3), [[0, 0, 0, 0, 7, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": [[[1.0]]]}, TypeError, "images must be a NumPy or torch array, got list"),
        (
            {"images": np.ones((2, 2))},
            ValueError,
            r"images must have shape \(n, C, H, W\) or \(C, H, W\), got \(2, 2\)",
        ),
        ({"images": np.ones((1, 1, 1, 2, 2))}, ValueError, "images must have shape"),
        ({"images": np.ones((0, 1, 2, 2))}, ValueError, "images must not be empty"),
        ({"images": np.ones((1, 2, 2), bool)}, TypeError, "integers or real"),
        ({"images": np.ones((1, 2, 2), complex)}, TypeError, "integers or real"),
        ({"images": np.full((1, 2, 2), "a")}, TypeError, "integers or real"),
        ({"images": np.full((1, 2, 2), np.nan)}, ValueError, "images must be finite"),
        ({"images": torch.full((1, 2, 2), torch.inf)}, ValueError, "images must be finite"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": 2.5}, TypeError, "kernel_size must be an integer, got 2.5"),
        ({"kernel_size": True}, TypeError, "kernel_size must be an integer, got True"),
        ({"kernel_size": (3, 3, 3)}, ValueError, "kernel_size must be an integer or a pair"),
        ({"kernel_size": {2, 3}}, TypeError, "kernel_size must be an integer, got {2, 3}"),
        ({"kernel_size": {"height": 2, "width": 3}}, TypeError, "kernel_size must be an integer, got {'height'"),
        ({"kernel_size": np.array(2.0)}, TypeError, "kernel_size must be an integer"),
        ({"kernel_size": 9, "padding": "valid"}, ValueError, "kernel_size spans 9 pixels of height"),
        ({"stride": 2}, ValueError, "padding='same' needs stride 1"),
        ({"stride": 0, "padding": 0}, ValueError, "stride must be at least 1"),
        ({"padding": -1}, ValueError, "padding must be at least 0"),
        ({"padding": "full"}, ValueError, "padding must be 'same', 'valid' or integers, got 'full'"),
        ({"padding_mode": "mirror"}, ValueError, "padding_mode must be one of zeros, circular, reflect, replicate"),
        ({"kernel_size": 7, "padding_mode": "reflect", "images": np.ones((1, 3, 9))}, ValueError, "at most 2 pixels"),
        ({"dilation": 0}, ValueError, "dilation must be at least 1"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, error, message):
    arguments = {"images": np.ones((1, 5, 5)), "kernel_size": 3, **arguments}
    for function in (patch_matrix, patch_gram):
        with pytest.raises(error, match=message):
            function(**arguments)


def test_products_beyond_the_dtype_are_refused():
    for images in (np.full((1, 6, 6), 1e200), np.full((1, 6, 6), 1e25, np.float32)):
        with pytest.raises(OverflowError, match=f"beyond .*{images.dtype}'s range"):
            patch_gram(images, 3)


@pytest.mark.parametrize("settings", [{"kernel_size": 3, "padding": 10**9}, {"kernel_size": 10**6}])
def test_windows_beyond_any_image_are_refused(settings):
    with pytest.raises(ValueError, match=r"taps of windows along a height, got [0-9,]+ windows of"):
        patch_matrix(np.ones((1, 500, 500)), **settings)


@pytest.mark.parametrize("work", [patch_matrix, patch_gram, patch_rank], ids=lambda work: work.__name__)
def test_a_picture_with_its_channels_last_is_taken_as_it_says_and_that_is_told(work):
    """(24, 20, 3) may be 24 channels of 20 × 3 pixels: the answer is about these, and a warning says so."""
    picture = np.random.default_rng(0).integers(0, 256, (24, 20, 3))
    told = r"taken as 24 channels of 20 × 3 pixels; \(24, 20, 3\) looks like \(H, W, C\)"
    with pytest.warns(UserWarning, match=told):
        work(picture, 3)
    work(np.moveaxis(picture, -1, -3), 3)  # without a word: the suite makes errors of warnings

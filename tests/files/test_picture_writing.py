"""What is written: the nearest of 256 levels, and contact sheets."""

import numpy as np
from PIL import Image

from files import contact_sheet, read_pixels, write_image


def test_pictures_hold_the_nearest_of_256_levels(tmp_path):
    """What is beyond black and white is shown as black and white."""
    pixels = np.array([[[-0.5, 0.0, 0.0019, 0.002, 0.9979, 0.9981, 1.0, 1.7]]])
    write_image(tmp_path / "levels.png", pixels)
    assert read_pixels(tmp_path / "levels.png").tolist() == [[[0, 0, 0, 1, 254, 255, 255, 255]]]


def test_channels_other_than_one_or_three_stand_side_by_side(tmp_path):
    """No picture has two channels; that one cannot be shown in colours keeps nobody from looking at it."""
    pixels = np.random.default_rng(0).integers(256, size=(2, 4, 3), dtype=np.uint8)
    write_image(tmp_path / "two.png", pixels / 255)
    with Image.open(tmp_path / "two.png") as picture:
        assert np.array_equal(np.asarray(picture), np.concatenate(pixels, axis=1))


def test_a_contact_sheet_shows_black_to_white_and_grey_where_nothing_is_known():
    rows = np.array([-1.0, 0.0, 1.0, 2.0, np.nan]).reshape(1, 5, 1, 1, 1)
    assert np.asarray(contact_sheet(rows))[0, ::3].tolist() == [0, 0, 255, 255, 128]
    two_channels = np.array([0.0, 1.0]).reshape(1, 1, 2, 1, 1)
    assert np.asarray(contact_sheet(two_channels)).tolist() == [[0, 255]]

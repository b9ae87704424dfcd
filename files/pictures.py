"""Images in files: pictures and NPY arrays in and out, and contact sheets."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float, Real
from PIL import Image, UnidentifiedImageError

from files.atomic import write_atomically

GAP = 2  # pixels between the cells of a contact sheet


def read_image(path: Path) -> Float[np.ndarray, "channels height width"]:
    """Read a picture as pixels in [0, 1], or an NPY array as it is; otherwise as `read_pixels`.

    Returns:
        Shape (C, H, W), float64.

    Raises:
        OSError: the file cannot be read.
        TypeError: an NPY file that holds no real numbers.
        ValueError: what `read_pixels` refuses.
    """
    pixels = read_pixels(path)
    if path.suffix.lower() == ".npy":
        return pixels.astype(np.float64)
    return pixels / np.iinfo(pixels.dtype).max


def read_pixels(path: Path) -> Real[np.ndarray, "channels height width"]:
    """Read a picture's pixels as the integers that they are, or an NPY array as it is.

    Args:
        path: a grey picture of 8 or 16 bits, an RGB picture of 8 bits a channel, or an NPY file of shape (H, W) or
            (C, H, W).

    Returns:
        Shape (C, H, W), uint8 or uint16 for a picture.

    Raises:
        OSError: the file cannot be read.
        TypeError: an NPY file that holds no real numbers.
        ValueError: not an image, or one with a palette, with transparency, or with 16 bits a colour channel; an NPY
            array of other axes, or one that is empty or not finite.
    """
    pixels = _npy(path) if path.suffix.lower() == ".npy" else _picture(path)
    return pixels[None] if pixels.ndim == 2 else pixels


def _npy(path: Path) -> Real[np.ndarray, "..."]:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a readable NPY file: {str(error).splitlines()[0]}") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path} must hold one NPY array, got an archive of several")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{path} must hold real numbers, got {array.dtype}")
    if array.ndim not in (2, 3) or not array.size:
        raise ValueError(f"{path} must be an image of shape (H, W) or (C, H, W), not empty; got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{path} must hold finite numbers, got NaN or infinity")
    return array


def _picture(path: Path) -> Real[np.ndarray, "..."]:
    try:
        with Image.open(path) as picture:
            mode, transparent = picture.mode, "transparency" in picture.info
            deep = any(";16" in str(tile[3]) for tile in picture.tile)
            pixels = np.asarray(picture)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not an image file that can be read (PNG or NPY is best)") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.filename is not None:  # none for a truncated picture
            raise
        raise ValueError(f"{path} is not a readable image: {error}") from None
    if mode not in ("L", "RGB", "I;16"):
        raise ValueError(f"{path} must be grey or RGB, got a picture of mode {mode}; convert it first")
    if transparent:
        raise ValueError(f"{path} must be opaque, got a transparent colour; convert it first")
    if mode == "RGB" and deep:  # Pillow would drop the lower byte
        raise ValueError(f"{path} has 16 bits a colour channel, of which 8 would be read; give it as NPY")
    return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels


def write_image(path: Path, pixels: Float[np.ndarray, "channels height width"]) -> None:
    """Write pixels as a PNG, [0, 1] to 8 bits; values outside are shown as black or white, as no picture can hold them.

    Raises:
        OSError: the file cannot be written.
        ValueError: neither one channel nor three.
    """
    if pixels.shape[0] not in (1, 3):
        raise ValueError(f"a picture has one channel or three, got {pixels.shape[0]}")
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    write_png(path, Image.fromarray(levels[0] if len(levels) == 1 else np.moveaxis(levels, 0, -1)))


def write_png(path: Path, picture: Image.Image) -> None:
    """Write a picture atomically.

    Raises:
        OSError: it cannot be written.
    """
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    write_atomically(path, stream.getvalue())


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write an array atomically.

    Raises:
        OSError: it cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    write_atomically(path, stream.getvalue())


def contact_sheet(rows: Float[np.ndarray, "rows columns channels height width"]) -> Image.Image:
    """Draw a table of images of one size, values from 0 to 1 from black to white; a cell that is not finite stays grey.

    Channels other than three are drawn side by side in a cell.
    """
    cells = np.where(np.isfinite(rows).all(axis=(2, 3, 4), keepdims=True), rows, 0.5)
    if cells.shape[2] != 3:
        cells = np.concatenate(np.split(cells, cells.shape[2], axis=2), axis=4)
    count_down, count_across, channels, height, width = cells.shape
    sheet = np.full((channels, count_down * (height + GAP) - GAP, count_across * (width + GAP) - GAP), 128, np.uint8)
    for i, j in np.ndindex(count_down, count_across):
        top, left = i * (height + GAP), j * (width + GAP)
        sheet[:, top : top + height, left : left + width] = np.rint(255 * np.clip(cells[i, j], 0, 1))
    return Image.fromarray(sheet[0] if channels == 1 else np.moveaxis(sheet, 0, -1))

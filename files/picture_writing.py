"""Images written: as PNG, as NPY, and many on a contact sheet."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from files.atomic import write_atomically

GAP = 2  # pixels between the cells of a contact sheet


def write_image(path: Path, pixels: Float[np.ndarray, "channels height width"]) -> None:
    """Write pixels as a PNG, see `image_bytes`, atomically.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, image_bytes(pixels))


def image_bytes(pixels: Float[np.ndarray, "channels height width"]) -> bytes:
    """A PNG file of pixels, [0, 1] to 8 bits; values outside are shown as black or white, since a PNG cannot hold them.

    Channels other than one or three, which no picture has, stand side by side in grey.
    """
    return png_bytes(contact_sheet(pixels[None, None]))


def png_bytes(picture: Image.Image) -> bytes:
    """A PNG file of a picture."""
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    """An NPY file of an array."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


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

"""Images in files: reading PNG and NPY, drawing contact sheets."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from empirics.arguments import real_tensor
from empirics.storage import write_atomically

GAP = 2  # pixels between the cells of a contact sheet


def read_image(path: Path) -> Float[np.ndarray, "channels height width"]:
    """Read one image.

    Args:
        path: an NPY file, (C, H, W) or (H, W), or a grey or RGB picture in any format that Pillow reads, such as PNG.

    Returns:
        float64, (C, H, W): a picture's pixels in [0, 1], an NPY file's numbers as they are.

    Raises:
        OSError: the file cannot be read.
        TypeError: an NPY file of other than real numbers.
        ValueError: not an image, or one that would have to be changed to fit.
    """
    array = _read_npy(path) if path.suffix.lower() == ".npy" else _read_picture(path)
    image = real_tensor(str(path), array, ("(C, H, W)", "(H, W)")).numpy().astype(np.float64)
    return image if image.ndim == 3 else image[None]


def _read_npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise ValueError(f"{path} must hold one NPY array of numbers, and it does not") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path} must hold one NPY array, got an archive")
    return array


def _read_picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as file:
            mode, pixels = file.mode, np.asarray(file)
    except UnidentifiedImageError:
        raise ValueError(f"{path} must be an image, and Pillow does not recognize it as one") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the file, which it names; others are of what is in it
        raise ValueError(f"{path} must be a readable image: {error}") from None
    if mode not in ("L", "RGB", "I;16"):
        raise ValueError(f"{path} must be grey or RGB without palette or transparency, got Pillow's mode {mode}")
    scaled = pixels / np.iinfo(pixels.dtype).max
    return scaled if scaled.ndim == 2 else np.moveaxis(scaled, -1, 0)


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

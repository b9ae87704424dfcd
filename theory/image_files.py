"""Images from files and back, for the command line."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Real
from PIL import Image, UnidentifiedImageError

from numerics.arguments import real_array


def read_image(path: Path) -> Float[np.ndarray, "channels height width"]:
    """Read a picture as pixels in [0, 1], or an NPY array as it is; otherwise as `read_pixels`.

    Returns:
        Shape (C, H, W), float64.
    """
    pixels = read_pixels(path)
    whole = path.suffix.lower() != ".npy"
    return pixels / np.iinfo(pixels.dtype).max if whole else pixels.astype(np.float64)


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
        ValueError: not an image, or one with a palette, with transparency, or with 16 bits a colour channel.
    """
    if path.suffix.lower() == ".npy":
        try:
            pixels = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path} is not a readable NPY file: {str(error).splitlines()[0]}") from None
        pixels = real_array(str(path), pixels, ("(H, W)", "(C, H, W)"))
    else:
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
        pixels = np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels
    return pixels[None] if pixels.ndim == 2 else pixels


def write_image(path: Path, pixels: Float[np.ndarray, "channels height width"]) -> None:
    """Write pixels as a PNG, [0, 1] to 8 bits; values outside are shown as black or white, as no picture can hold them.

    Raises:
        OSError: the file cannot be written.
        ValueError: neither one channel nor three.
    """
    if pixels.shape[0] not in (1, 3):
        raise ValueError(f"a picture has one channel or three, got {pixels.shape[0]}")
    bytes_ = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(bytes_[0] if len(bytes_) == 1 else np.moveaxis(bytes_, 0, -1)).save(path)

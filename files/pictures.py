"""Pictures and NPY arrays read as what they are, to the last bit; what cannot be is refused with the way out.

Read are PNG, JPEG, TIFF, WebP, BMP, GIF and PGM/PPM files of one frame: black and white, grey, RGB and with a palette,
opaque, of 1 to 8 or of 16 bits a channel. The number that a pixel stores counts, 0 as black and the largest that its
bits can hold as white: neither a colour profile nor a gamma is applied. A photograph is turned upright as its camera
says (EXIF).

Pillow decodes all of them, but keeps eight bits of sixteen where there are colours. Those pictures are decoded twice:
once for the upper bytes, as Pillow would, and once for the lower ones, as if they were stored in the other order.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.ExifTags import Base

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM")
READ = "PNG, JPEG, TIFF, WebP, BMP, GIF, PPM or NPY"  # for help texts

Levels = Real[np.ndarray, "height width bands"]
NATIVE = "L" if sys.byteorder == "little" else "B"
OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if NATIVE == "L" else "L"}
DEEP_GREY = tuple(f"I;16{order}" for order in ("", "B", "L", "N"))
WORSE = (";12", ";15", ";16", ";24", ";32")  # more bits, or fewer, than Pillow hands out exactly
PHOTOMETRIC, SAMPLE_FORMAT = 262, 339  # tags of TIFF
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {  # by EXIF's number of the orientation
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def read_image(path: Path) -> Float[np.ndarray, "channels height width"]:
    """Read a picture as numbers from 0 (black) to 1 (white), or an NPY array as it is; otherwise as `read_pixels`.

    Returns:
        Shape (C, H, W), float64.

    Warns:
        UserWarning: an NPY file of integers beyond 1, which may have been meant to be scaled.

    Raises:
        OSError: the file cannot be read.
        TypeError: an NPY file that holds no real numbers.
        ValueError: what `read_pixels` refuses.
    """
    pixels = read_pixels(path)
    if path.suffix.lower() != ".npy":
        return pixels / np.iinfo(pixels.dtype).max
    if pixels.dtype.kind in "iu" and pixels.max() > 1:
        warnings.warn(
            f"{path} holds integers up to {pixels.max()}, which are taken as they are; pictures are scaled to [0, 1]",
            stacklevel=2,
        )
    return pixels.astype(np.float64)


def read_pixels(path: Path) -> Real[np.ndarray, "channels height width"]:
    """Read a picture's pixels as the integers that they are, or an NPY array as it is.

    Args:
        path: a picture as this module's docstring says, or an NPY file of shape (H, W) or (C, H, W).

    Returns:
        Shape (C, H, W), C = 1 or 3 for a picture. A picture's are uint8, or uint16 where it has 16 bits a channel;
        pixels of 1, 2 or 4 bits are spread over uint8, so that white is 255.

    Raises:
        OSError: the file cannot be read.
        TypeError: an NPY file that holds no real numbers.
        ValueError: not an image, or one that cannot be read exactly: really transparent, of several frames or pages, of
            other colours (CMYK, Lab) or another number of bits; an NPY array of other axes, or one that is empty or
            not finite.
    """
    if path.is_dir():
        raise ValueError(f"{path} must be a file, {READ}, got a folder")
    return _npy(path) if path.suffix.lower() == ".npy" else _picture(path)


def _npy(path: Path) -> Real[np.ndarray, "channels height width"]:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a readable NPY file: {str(error).splitlines()[0]}") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{path} must hold one NPY array, got an archive of several")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{path} must hold real numbers, got {array.dtype}")
    if array.ndim not in (2, 3) or not array.size:
        raise ValueError(f"{path} must be an image of shape (H, W) or (C, H, W), not empty; got shape {array.shape}")
    if array.ndim == 3 and min(array.shape[:2]) > 4 and array.shape[2] in (1, 3, 4):
        raise ValueError(
            f"{path} must be an image of shape (H, W) or (C, H, W), got shape {array.shape}, which looks like "
            "(H, W, C); numpy.moveaxis(array, -1, 0) puts channels first"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{path} must hold finite numbers, got NaN or infinity")
    return array[None] if array.ndim == 2 else array


def _picture(path: Path) -> Real[np.ndarray, "channels height width"]:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            _check_frames(path, picture)
            levels = _opaque(path, _levels(path, picture))
            upright = UPRIGHT.get(picture.getexif().get(Base.Orientation, 1), np.asarray)  # TIFF's are turned already
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not an image file that can be read: {READ}") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.filename is not None:  # none for a truncated picture
            raise
        raise ValueError(f"{path} is not a readable image: {error}") from None
    return np.ascontiguousarray(np.moveaxis(upright(levels), -1, 0))


def _check_frames(path: Path, picture: Image.Image) -> None:
    """Refuse animations and documents of several pages.

    A telephone's photograph (MPO) may hold a preview or a map of brightness beside it: its first frame is the picture.
    """
    frames = getattr(picture, "n_frames", 1)
    if picture.format == "MPO":
        entries = getattr(picture, "mpinfo", {}).get(0xB002, ())
        frames = 1 + sum("Multi-Frame" in str(entry["Attribute"]["MPType"]) for entry in entries[1:])
    if frames > 1:
        raise ValueError(f"{path} must hold one picture, got {frames} frames or pages; save the one that is meant")


def _levels(path: Path, picture: Image.Image) -> Levels:
    """All bands of a picture, alpha last where there is one; the pixels are loaded only here."""
    assert isinstance(picture, ImageFile.ImageFile)
    tiles, mode = list(picture.tile), picture.mode
    stored = [_raw_mode(tile) for tile in tiles] or [("", None)]  # WebP's are not told before they are read
    key = picture.info.get("transparency")
    if picture.format == "TIFF":
        _check_tiff(path, picture)
    if tiles and all(_deep_colours(tile) for tile in tiles):
        return _keyed(_sixteen_bits(path, picture), key)
    if mode.startswith("I") and all(raw in DEEP_GREY or top == 65535 for raw, top in stored):
        return _keyed(np.asarray(picture).astype(np.uint16)[..., None], key)
    if any(top is not None and 255 % top for _, top in stored):
        raise ValueError(
            f"{path} must have 255 as its white, or 65535 in a binary file, got {stored[0][1]}; give it as NPY"
        )
    if mode.startswith(("I", "F")) or any(part in raw for raw, _ in stored for part in WORSE):
        raise ValueError(
            f"{path} must have 1 to 8 or 16 bits a channel, got {stored[0][0] or mode} (Pillow's word); give it as NPY"
        )
    if mode in ("P", "PA"):  # the colours themselves
        return np.asarray(picture.convert("RGBA"))
    if mode == "1":
        return _keyed(np.asarray(picture.convert("L"))[..., None], None if key is None else 255 * bool(key))
    if mode not in ("L", "LA", "RGB", "RGBA", "RGBX"):
        raise ValueError(f"{path} must be grey or RGB, got a picture of mode {mode}; convert it to RGB first")
    spread = next((255 // (2**bits - 1) for bits in (2, 4) if stored and f";{bits}" in stored[0][0]), 1)
    levels = np.atleast_3d(np.asarray(picture))
    return _keyed(levels[..., :3] if mode == "RGBX" else levels, spread * key if isinstance(key, int) else key)


def _raw_mode(tile: tuple) -> tuple[str, int | None]:
    """How a piece of a picture is stored, in Pillow's words; and of PGM and PPM what counts as white."""
    codec, arguments = tile[0], tile[3]
    if isinstance(arguments, str):
        return arguments, None
    raw = str(arguments[0]) if arguments else ""
    return raw, arguments[1] if codec in ("ppm", "ppm_plain") else None


def _deep_colours(tile: tuple) -> bool:
    """Whether this piece has 16 bits a channel and its lower bytes can be had."""
    raw, top = _raw_mode(tile)
    return (raw, tile[0], top) == ("RGB", "ppm", 65535) or raw[:-1] in ("RGB;16", "RGBA;16", "RGBX;16")


def _sixteen_bits(path: Path, picture: ImageFile.ImageFile) -> Levels:
    """Colours of 16 bits, decoded byte by byte."""
    tiles = [_as_raw(tile) for tile in picture.tile]
    picture.tile = tiles
    upper = np.asarray(picture).astype(np.uint16)
    with Image.open(path, formats=FORMATS) as again:
        assert isinstance(again, ImageFile.ImageFile)
        again.tile = [tile._replace(args=_swapped(tile.args)) for tile in tiles]
        lower = np.asarray(again)
    return upper << 8 | lower


def _as_raw(tile: Any) -> Any:
    """A piece of a PPM file as what it is, big-endian pixels without compression."""
    codec, extents, offset, _ = tile
    return type(tile)("raw", extents, offset, ("RGB;16B", 0, 1)) if codec == "ppm" else tile


def _swapped(how: Any) -> Any:
    """The same pixels with the bytes of each number in the other order."""
    if isinstance(how, tuple):
        return (_swapped(how[0]), *how[1:])
    return how[:-1] + OTHER_ORDER[how[-1]]


def _check_tiff(path: Path, picture: Image.Image) -> None:
    """Refuse numbers that Pillow would take for others: signed ones, and 16 bits of which 0 is white."""
    tags = getattr(picture, "tag_v2", {})
    signed = any(kind != 1 for kind in np.atleast_1d(tags.get(SAMPLE_FORMAT, 1)))
    if signed and not picture.mode.startswith(("I", "F")):
        raise ValueError(f"{path} must hold unsigned numbers, got a TIFF of another kind; give it as NPY")
    if picture.mode.startswith("I;16") and tags.get(PHOTOMETRIC) == 0:
        raise ValueError(f"{path} must have 0 as its black, got a TIFF whose white is 0; give it as NPY")


def _keyed(levels: Levels, key: int | tuple[int, ...] | None) -> Levels:
    """Levels with the alpha that a transparent colour stands for, if the picture names one."""
    if key is None or levels.shape[2] in (2, 4):
        return levels
    transparent = (levels == np.asarray(key)).all(axis=2, keepdims=True)
    alpha = np.where(transparent, 0, np.iinfo(levels.dtype).max).astype(levels.dtype)
    return np.concatenate([levels, alpha], axis=2)


def _opaque(path: Path, levels: Levels) -> Levels:
    """Grey or colours alone, if every pixel is opaque."""
    if levels.shape[2] in (1, 3):
        return levels
    alpha = levels[..., -1]
    if clear := int((alpha != np.iinfo(levels.dtype).max).sum()):
        raise ValueError(
            f"{path} must be opaque, got {clear} of {alpha.size} pixels transparent; put it on a background first "
            "(an image editor's 'flatten')"
        )
    return levels[..., :-1]

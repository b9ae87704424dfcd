"""The pictures of a folder."""

from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".npy")


def pictures_in(option: str, folder: Path) -> list[Path]:
    """The files of a folder whose names end as those of pictures or NPY arrays do, by name; not of folders in it.

    Args:
        option: what the folder was given with, for the message.
        folder: where they are.

    Raises:
        ValueError: no such folder, or none of them in it.
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(f"{option} must be a folder of pictures, got {folder}, which is none")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ValueError(f"{option} {folder} holds no pictures: no file whose name ends in {', '.join(SUFFIXES)}")
    return found

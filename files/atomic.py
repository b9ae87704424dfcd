"""Files that are written whole or not at all."""

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new one whole.

    Args:
        path: where to; its folder exists.
        data: all of its content.

    Raises:
        OSError: the file cannot be written; what was there before is still there, and nothing else is left.
    """
    write_together([(path, data)])


def write_together(contents: Iterable[tuple[Path, bytes]]) -> None:
    """Write several files, each atomically, and none of them where one cannot be written.

    Args:
        contents: where to, and all that the file holds; the folders exist. Taken one by one, so that what comes from a
            generator need not be in memory at once.

    Raises:
        OSError: a file cannot be written, or stands for a folder; what was there before is still there, and nothing
            else is left.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, data in contents:
            if path.is_dir():
                raise IsADirectoryError(21, "Is a directory", str(path))
            # Shorter than the longest name that a file may have, however long its own.
            temporary = path.with_name(f".{path.name[:40]}.{zlib.crc32(os.fsencode(path.name)):08x}.{os.getpid()}")
            waiting.append((temporary, path))
            _put(temporary, path, data)
        for temporary, path in waiting:
            temporary.replace(path)
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path, data: bytes) -> None:
    """Write the temporary file; an error names the file that it stands for."""
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:  # a full disk is told of without a name
        raise type(error)(error.errno, error.strerror, str(path)) from None


@contextmanager
def output_folder(option: str, path: Path) -> Iterator[Path]:
    """Make a folder to write to, before the work whose results it is for; it goes again if the work fails.

    Args:
        option: what the user called it, for the message.
        path: the folder; those above it are made too.

    Raises:
        ValueError: it, or one above it, is a file.
        OSError: it cannot be made or written to.
    """
    above = [path, *path.parents]
    if (file := next((place for place in above if place.exists()), path)) and file.exists() and not file.is_dir():
        raise ValueError(f"{option} must be a folder, got {path}, where {file} is a file")
    made = [place for place in above if not place.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied", str(path))
        yield path
    except BaseException:
        with suppress(OSError):  # something is in it, and stays
            for place in made:
                place.rmdir()
        raise

"""Files of public datasets: found in a folder, or fetched from their public homes, and known by their checksums."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 30  # seconds without an answer


@dataclass(frozen=True)
class PublicFile:
    """A file that anyone can fetch.

    Attributes:
        name: the file's.
        homes: addresses of folders that hold it, with a slash at the end, tried in this order.
        md5: its checksum, as its publishers or torchvision state it.
    """

    name: str
    homes: tuple[str, ...]
    md5: str


def read_public(dataset: str, file: PublicFile, data_dir: Path | None) -> tuple[Path, bytes]:
    """Read a dataset's file, checked by its MD5.

    Args:
        dataset: the name of the folder, in `data_dir` or the cache, that the file is in; it may also lie right in
            `data_dir`, but not where another dataset has a file of its name there.
        file: which one.
        data_dir: a folder to read from; None for the user's cache, where a file that is missing is fetched to.

    Returns:
        Where it is, and its bytes.

    Raises:
        OSError: it is in neither place, and cannot be fetched.
        ValueError: its checksum is another.
    """
    path = _fetched(dataset, file) if data_dir is None else _found(dataset, file, data_dir)
    data = path.read_bytes()
    if (md5 := hashlib.md5(data, usedforsecurity=False).hexdigest()) != file.md5:
        hint = "; without it, it is fetched anew" if data_dir is None else ""
        raise ValueError(f"{path} must be the published file of {dataset}, with MD5 {file.md5}, got {md5}{hint}")
    return path, data


def _found(dataset: str, file: PublicFile, data_dir: Path) -> Path:
    places = (data_dir / dataset / file.name, data_dir / file.name)
    for path in places:
        if path.is_file():
            return path
    raise FileNotFoundError(f"{dataset} needs {file.name}, which is neither in {places[0].parent} nor in {data_dir}")


def _fetched(dataset: str, file: PublicFile) -> Path:
    import pooch  # only those who ask for public data pay for it

    folder = Path(pooch.os_cache("identity-crisis")) / dataset
    if (path := folder / file.name).is_file():
        return path
    pooch.get_logger().setLevel("WARNING")  # it would tell of each download
    reasons = []
    for home in file.homes:
        try:
            pooch.retrieve(
                home + file.name,
                known_hash=f"md5:{file.md5}",
                fname=file.name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT),
            )
            return path
        except (OSError, ValueError) as error:  # unreachable, or not the file that it should be
            reasons.append(f"{home} ({type(error).__name__})")
    raise OSError(
        f"{dataset} needs {file.name}, which is not in {folder} and could not be fetched from {' or '.join(reasons)}: "
        "put it there, or name the folder that has it with data_dir (--data-dir)"
    )

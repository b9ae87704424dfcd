"""Small files in the very formats of MNIST, Fashion-MNIST and CIFAR-10."""

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from empirics.images import published as published_sets
from empirics.images.downloads import PublicFile
from empirics.images.published import CIFAR_BATCHES, IDX_SETS, IdxPair


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as a gzipped IDX file."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


def cifar(batches: dict[str, np.ndarray]) -> bytes:
    """Batches of records (n, 3073) as the binary archive of CIFAR-10, with the other files that lie in it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        folder = tarfile.TarInfo("cifar-10-batches-bin")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        contents = {"cifar-10-batches-bin/readme.html": b"<html>"}
        contents |= {name: records.tobytes() for name, records in batches.items()}
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def records(count: int, seed: int) -> np.ndarray:
    """Random records of CIFAR-10."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=(count, 1), dtype=np.uint8)
    return np.hstack([labels, rng.integers(256, size=(count, 3072), dtype=np.uint8)])


def all_records() -> dict[str, np.ndarray]:
    """Batches of a few records each, by name."""
    names = [name for batches in CIFAR_BATCHES.values() for name in batches]
    return {name: records(3 + number, seed=number) for number, name in enumerate(names)}


def random_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels."""
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(count, 28, 28), dtype=np.uint8), rng.integers(10, size=count, dtype=np.uint8)


def with_checksum_of(file: PublicFile, data: bytes) -> PublicFile:
    """The file, had its publishers published this."""
    return PublicFile(file.name, file.homes, hashlib.md5(data, usedforsecurity=False).hexdigest())


def publish(folder: Path, name: str, contents: dict[str, bytes], monkeypatch) -> None:
    """Write a dataset's files to a folder, and let their checksums be the published ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in contents.items():
        (folder / file).write_bytes(data)
    if name == "cifar10":
        (data,) = contents.values()
        monkeypatch.setattr(published_sets, "CIFAR", with_checksum_of(published_sets.CIFAR, data))
        return
    pairs = {
        split: IdxPair(*(with_checksum_of(file, contents[file.name]) for file in (pair.images, pair.labels)))
        for split, pair in IDX_SETS[name].items()
    }
    monkeypatch.setitem(IDX_SETS, name, pairs)

"""MNIST, Fashion-MNIST and CIFAR-10, read from the files that their authors published."""

import gzip
import io
import math
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from empirics.images.downloads import PublicFile, read_public
from empirics.images.image_set import ImageSet

MNIST_HOMES = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
FASHION_HOMES = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
CLOTHES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR = PublicFile("cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/",), "c32a1d4ab5d03f1284b67883e8d87530")
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_SHAPE = (3, 32, 32)
CIFAR_BATCHES = {
    "train": tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("cifar-10-batches-bin/test_batch.bin",),
}


@dataclass(frozen=True)
class IdxPair:
    """The two IDX files of a split: images and their labels."""

    images: PublicFile
    labels: PublicFile


def _idx_pair(stem: str, homes: tuple[str, ...], images_md5: str, labels_md5: str) -> IdxPair:
    return IdxPair(
        PublicFile(f"{stem}-images-idx3-ubyte.gz", homes, images_md5),
        PublicFile(f"{stem}-labels-idx1-ubyte.gz", homes, labels_md5),
    )


IDX_SETS: dict[str, dict[str, IdxPair]] = {
    "mnist": {
        "train": _idx_pair(
            "train", MNIST_HOMES, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432"
        ),
        "test": _idx_pair("t10k", MNIST_HOMES, "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"),
    },
    "fashion_mnist": {
        "train": _idx_pair(
            "train", FASHION_HOMES, "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe"
        ),
        "test": _idx_pair(
            "t10k", FASHION_HOMES, "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"
        ),
    },
}
SOURCES = {
    "mnist": "MNIST (Yann LeCun, Corinna Cortes), CC BY-SA 3.0",
    "fashion_mnist": "Fashion-MNIST (Zalando SE; Xiao, Rasul and Vollgraf 2017), MIT",
    "cifar10": "CIFAR-10 (Krizhevsky 2009), published without a licence",
}
CLASSES = {"fashion_mnist": CLOTHES, "cifar10": CIFAR_CLASSES}


def published(name: str, split: str, data_dir: Path | None) -> ImageSet:
    """Return the images of "mnist", "fashion_mnist" or "cifar10" with their labels, in the order of the files.

    Args:
        name: one of those.
        split: "train" (60,000 images; CIFAR-10 50,000) or "test" (10,000).
        data_dir: see `read_public`.

    Raises:
        OSError: a file is not there and cannot be fetched.
        ValueError: a file is not the published one, or damaged.

    Source: LeCun et al. 1998; Xiao et al. 2017; Krizhevsky 2009, "Learning multiple layers of features from tiny
        images", and the formats described on the datasets' pages.
    """
    if name == "cifar10":
        path, data = read_public(name, CIFAR, data_dir)
        labels, pixels = read_cifar(path, data, CIFAR_BATCHES[split])
    else:
        pair = IDX_SETS[name][split]
        pixels, labels = (read_idx(*read_public(name, file, data_dir), axes) for file, axes in _axes(pair))
        if len(labels) != len(pixels):
            raise ValueError(f"{pair.labels.name} must have {len(pixels)} labels, one an image, got {len(labels)}")
        pixels = pixels[:, None]
    classes = CLASSES.get(name)
    return ImageSet(
        pixels=pixels,
        labels=labels.astype(np.int64),
        names=None if classes is None else tuple(classes[label] for label in labels),
        source=f"{SOURCES[name]}, {split} split",
    )


def _axes(pair: IdxPair) -> tuple[tuple[PublicFile, int], tuple[PublicFile, int]]:
    return (pair.images, 3), (pair.labels, 1)


def read_idx(path: Path, data: bytes, axes: int) -> UInt8[np.ndarray, "..."]:
    """The array in a gzipped IDX file of bytes.

    IDX: two zero bytes, the type (8 for bytes), the number of axes, each axis' length as a big-endian 32-bit integer,
    and the entries in C order.

    Raises:
        ValueError: not such a file, of another number of axes, or cut off or altered.
    """
    content = _unzipped(path, data)
    header = 4 + 4 * axes
    if content[:4] != bytes([0, 0, 8, axes]) or len(content) < header:
        raise ValueError(f"{path} must be an IDX file of bytes with {axes} axes, got one that begins {content[:4]!r}")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", axes, offset=4))
    if len(content) - header != math.prod(shape) or 0 in shape:
        raise ValueError(f"{path} must hold {shape} bytes as its header says, got {len(content) - header}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def read_cifar(path: Path, data: bytes, batches: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and pixels (n, 3, 32, 32) of some batches in the binary version of CIFAR-10.

    A batch is a file in a gzipped tar archive, of records of 3,073 bytes: the class, then red, green and blue planes.

    Raises:
        ValueError: not such an archive, or cut off or altered.
    """
    record = 1 + math.prod(CIFAR_SHAPE)
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_unzipped(path, data)), mode="r:") as archive:
            for entry in archive:
                if entry.name in batches and (stream := archive.extractfile(entry)) is not None:
                    found[entry.name] = stream.read()
    except tarfile.TarError as error:
        raise ValueError(f"{path} must hold a tar archive: {error}") from None
    for name in batches:
        content = found.get(name)
        if content is None:
            raise ValueError(f"{path} must hold {name}, and it does not")
        if not content or len(content) % record:
            raise ValueError(f"{name} in {path} must hold records of {record} bytes, got {len(content)} bytes")
    records = np.frombuffer(b"".join(found[name] for name in batches), np.uint8).reshape(-1, record)
    if (largest := records[:, 0].max()) >= len(CIFAR_CLASSES):
        raise ValueError(f"{path} must hold classes below {len(CIFAR_CLASSES)}, got {largest}")
    return records[:, 0], records[:, 1:].reshape(-1, *CIFAR_SHAPE).copy()


def _unzipped(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)  # to its end, where its own checksum is
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} must be a whole gzip file: {error}") from None

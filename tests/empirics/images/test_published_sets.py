"""Public datasets are read from files in their own formats, and damaged files are named."""

import gzip
import http.server
import itertools
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from empirics import images
from empirics.images import published as published_sets
from empirics.images.published import CIFAR_BATCHES, IDX_SETS, read_cifar, read_idx
from tests.empirics.images import published_files
from tests.empirics.images.published_files import all_records, cifar, idx, publish

SPLITS = {"train": "train", "test": "t10k"}
PATH = Path("a-file.gz")


def idx_files(seed: int = 0) -> dict[str, bytes]:
    """The four files of an MNIST of 7 training images and 4 test images."""
    contents = {}
    for (split, stem), count in zip(SPLITS.items(), (7, 4), strict=True):
        pixels, labels = published_files.random_digits(count, seed=seed + len(split))
        contents[f"{stem}-images-idx3-ubyte.gz"] = idx(pixels)
        contents[f"{stem}-labels-idx1-ubyte.gz"] = idx(labels)
    return contents


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("subfolder", [True, False])
def test_idx_files_give_images_and_labels(name: str, split: str, subfolder: bool, tmp_path: Path, monkeypatch) -> None:
    publish(tmp_path / name if subfolder else tmp_path, name, idx_files(), monkeypatch)
    found = images(name, split=split, data_dir=tmp_path)
    pixels, labels = published_files.random_digits(7 if split == "train" else 4, seed=len(split))
    assert np.array_equal(found.pixels[:, 0], pixels)
    assert np.array_equal(found.labels, labels)
    assert f"{split} split" in found.source
    if name == "fashion_mnist":
        assert found.names[0] == published_sets.CLOTHES[labels[0]]


@pytest.mark.parametrize("split", SPLITS)
def test_cifars_batches_follow_each_other(split: str, tmp_path: Path, monkeypatch) -> None:
    batches = all_records()
    publish(tmp_path, "cifar10", {"cifar-10-binary.tar.gz": cifar(batches)}, monkeypatch)
    found = images("cifar10", split=split, data_dir=str(tmp_path))
    expected = np.vstack([batches[name] for name in CIFAR_BATCHES[split]])
    assert np.array_equal(found.labels, expected[:, 0])
    for image, record in zip(found.pixels, expected, strict=True):
        # Each colour's plane is 1,024 bytes, row by row.
        assert image[1, 2, 3] == record[1 + 1024 + 2 * 32 + 3]
        assert np.array_equal(image.ravel(), record[1:])
    assert found.names[0] == published_sets.CIFAR_CLASSES[expected[0, 0]]


def test_a_few_images_are_drawn_and_resized(tmp_path: Path, monkeypatch) -> None:
    publish(tmp_path, "mnist", idx_files(), monkeypatch)
    whole, some = (images("mnist", count=count, seed=3, size=14, data_dir=tmp_path) for count in (None, 2))
    assert some.pixels.shape == (2, 1, 14, 14)
    everything = {image.tobytes() for image in whole.pixels}
    assert all(image.tobytes() in everything for image in some.pixels)
    with pytest.raises(ValueError, match="count must be at most 7, the number of mnist, got 8"):
        images("mnist", count=8, data_dir=tmp_path)


def test_files_of_another_dataset_are_told_apart_by_their_checksum(tmp_path: Path, monkeypatch) -> None:
    """MNIST and Fashion-MNIST name their files alike."""
    publish(tmp_path, "mnist", idx_files(), monkeypatch)
    with pytest.raises(ValueError, match=r"must be the published file of fashion_mnist, with MD5 8d4fb7e6"):
        images("fashion_mnist", data_dir=tmp_path)


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:60] + b"?" + data[61:], lambda _: b""])
def test_a_damaged_file_is_named(damage, tmp_path: Path, monkeypatch) -> None:
    contents = idx_files()
    publish(tmp_path, "mnist", contents, monkeypatch)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(damage(contents[path.name]))
    with pytest.raises(ValueError, match=rf"{path.name} must be the published file of mnist, with MD5 \w+, got \w+"):
        images("mnist", data_dir=tmp_path)


def test_a_file_that_is_not_there_is_named_with_the_folders_looked_in(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        images("cifar10", data_dir=tmp_path)
    folders = f"neither in {tmp_path / 'cifar10'} nor in {tmp_path}"
    assert str(caught.value) == f"cifar10 needs cifar-10-binary.tar.gz, which is {folders}"


FEW = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
ALTERED = gzip.compress(b"\0\0\x08\x03" + bytes(11), mtime=0)


@pytest.mark.parametrize(
    ("data", "axes", "words"),
    [
        (b"", 3, r"a-file\.gz must be an IDX file of bytes with 3 axes, got one that begins b''"),
        (b"no gzip", 3, r"a-file\.gz must be a whole gzip file: Not a gzipped file"),
        (idx(FEW)[:-1], 3, "must be a whole gzip file"),
        (idx(FEW)[:-8], 3, "must be a whole gzip file"),
        (idx(FEW)[:30] + b"????" + idx(FEW)[34:], 3, "must be a whole gzip file"),
        (idx(FEW), 1, r"must be an IDX file of bytes with 1 axes, got one that begins b'\\x00\\x00\\x08\\x03'"),
        (gzip.compress(b"\0\0\x0d\x03" + bytes(24)), 3, "must be an IDX file of bytes"),
        (ALTERED, 3, "must be an IDX file of bytes"),
        (gzip.compress(gzip.decompress(idx(FEW))[:-1]), 3, r"must hold \(2, 3, 4\) bytes as its header says, got 23"),
        (gzip.compress(gzip.decompress(idx(FEW)) + b"?"), 3, "as its header says, got 25"),
        (idx(FEW[:0]), 3, r"must hold \(0, 3, 4\) bytes"),
    ],
    ids=itertools.count(),  # bytes with a time in them are no names
)
def test_what_is_no_idx_file_is_refused(data: bytes, axes: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_idx(PATH, data, axes)


TEST_BATCH = CIFAR_BATCHES["test"]
ONE_BATCH = {TEST_BATCH[0]: published_files.records(2, seed=0)}
WRONG_CLASS = {TEST_BATCH[0]: np.full((1, 3073), 10, dtype=np.uint8)}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", r"a-file\.gz must hold a tar archive: empty file"),
        (b"no archive", r"a-file\.gz must be a whole gzip file"),
        (gzip.compress(b"no archive"), r"a-file\.gz must hold a tar archive"),
        (cifar(ONE_BATCH)[:-2000], "must be a whole gzip file"),
        (cifar(ONE_BATCH)[:3000] + b"????" + cifar(ONE_BATCH)[3004:], "must be a whole gzip file"),
        (gzip.compress(gzip.decompress(cifar(ONE_BATCH))[:4000]), "must hold a tar archive: unexpected end of data"),
        (cifar({}), r"must hold cifar-10-batches-bin/test_batch\.bin, and it does not"),
        (cifar({TEST_BATCH[0]: FEW}), r"test_batch\.bin in a-file\.gz must hold records of 3073 bytes, got 24 bytes"),
        (cifar({TEST_BATCH[0]: FEW[:0]}), "got 0 bytes"),
        (cifar(WRONG_CLASS), "must hold classes below 10, got 10"),
    ],
    ids=itertools.count(),  # bytes with a time in them are no names
)
def test_what_is_no_archive_of_cifar_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_cifar(PATH, data, TEST_BATCH)


def test_images_without_as_many_labels_are_refused(tmp_path: Path, monkeypatch) -> None:
    contents = idx_files() | {"t10k-labels-idx1-ubyte.gz": idx(np.zeros(3, np.uint8))}
    publish(tmp_path, "mnist", contents, monkeypatch)
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz must have 4 labels, one an image, got 3"):
        images("mnist", split="test", data_dir=tmp_path)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path):
    """A folder, and the address at which it is served."""
    folder = tmp_path / "home"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    """The user's cache, which is empty, and proxies out of the way."""
    pooch = pytest.importorskip("pooch")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache" / "identity-crisis"


def move_home(monkeypatch, *homes: str) -> None:
    """Let MNIST's test labels and images be at home elsewhere."""
    pair = IDX_SETS["mnist"]["test"]
    moved = replace(pair, images=replace(pair.images, homes=homes), labels=replace(pair.labels, homes=homes))
    monkeypatch.setitem(IDX_SETS["mnist"], "test", moved)


def test_files_are_fetched_once_from_the_first_home_that_has_them(home, cache: Path, monkeypatch) -> None:
    folder, address = home
    publish(folder, "mnist", idx_files(), monkeypatch)
    move_home(monkeypatch, address + "nowhere/", address)
    fetched = images("mnist", split="test")
    assert np.array_equal(fetched.pixels[:, 0], published_files.random_digits(4, seed=len("test"))[0])
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(
        name for name in idx_files() if name.startswith("t10k")
    )
    for path in folder.iterdir():
        path.unlink()
    assert np.array_equal(images("mnist", split="test").pixels, fetched.pixels)


def test_offline_one_sentence_says_what_was_looked_for_where(home, cache: Path, monkeypatch) -> None:
    folder, address = home
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"not the file that is wanted")
    move_home(monkeypatch, address + "nowhere/", address, "http://127.0.0.1:1/")
    with pytest.raises(OSError, match="mnist needs t10k-images-idx3-ubyte") as caught:
        images("mnist", split="test")
    words = str(caught.value)
    assert f"which is not in {cache / 'mnist'} and could not be fetched from {address}nowhere/ (HTTPError)" in words
    assert f"or {address} (ValueError) or http://127.0.0.1:1/ (ConnectionError)" in words
    assert "\n" not in words
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_file_damaged_in_the_cache_is_named(cache: Path) -> None:
    path = cache / "cifar10" / "cifar-10-binary.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"?")
    with pytest.raises(ValueError, match=rf"{path} must be the published file of cifar10, with MD5 c32a1d4a"):
        images("cifar10")

import numpy as np
import pytest

import empirics
from tests.empirics.images.published_files import all_records, cifar, idx, publish


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder with small files in the formats of MNIST, two of whose digits are embedded ones, and CIFAR-10."""
    rng = np.random.default_rng(0)
    contents = {}
    for stem, count in (("train", 12), ("t10k", 3)):
        pixels = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        pixels[:2] = empirics.images("digits").pixels[[0, 150], 0]
        contents[f"{stem}-images-idx3-ubyte.gz"] = idx(pixels)
        contents[f"{stem}-labels-idx1-ubyte.gz"] = idx(np.arange(count, dtype=np.uint8) % 10)
    publish(tmp_path / "mnist", "mnist", contents, monkeypatch)
    publish(tmp_path / "cifar10", "cifar10", {"cifar-10-binary.tar.gz": cifar(all_records())}, monkeypatch)
    return tmp_path

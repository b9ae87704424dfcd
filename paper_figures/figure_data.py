"""What a figure is drawn from: named arrays and a caption, stored beside the picture, so that redrawing is cheap."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from files import write_atomically


@dataclass(frozen=True)
class FigureData:
    """The data of one figure.

    Attributes:
        arrays: by name.
        caption: what the figure shows, generated from the settings actually run.
        settings: those settings; they decide whether stored data can be used again.
        labels: names of the figure's rows or curves.
    """

    arrays: dict[str, np.ndarray]
    caption: str
    settings: dict[str, Any]
    labels: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all, with a checksum of its arrays."""
        contiguous = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        metadata = {
            "caption": self.caption,
            "settings": json.dumps(self.settings, sort_keys=True),
            "labels": json.dumps(self.labels),
            "sha256": _checksum(contiguous),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(contiguous, metadata))

    @classmethod
    def load(cls, path: Path) -> "FigureData":
        """Read what `save` wrote.

        Raises:
            OSError: the file is not there or cannot be read.
            ValueError: it is not a figure's data.
        """
        try:
            with safe_open(path, "np") as stored:
                metadata = stored.metadata() or {}
                arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
            settings, labels = json.loads(metadata["settings"]), json.loads(metadata["labels"])
            if metadata["sha256"] != _checksum(arrays):
                raise ValueError("its arrays are not those that were saved")
            return cls(arrays, metadata["caption"], settings, labels)
        except OSError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} is damaged or not a figure's data ({reason})") from None


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()

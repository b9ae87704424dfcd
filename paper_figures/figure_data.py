"""What a figure is drawn from: named arrays and a caption, stored beside the picture, so that redrawing is cheap."""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save


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
        """Write a safetensors file, whole or not at all."""
        metadata = {
            "caption": self.caption,
            "settings": json.dumps(self.settings, sort_keys=True),
            "labels": json.dumps(self.labels),
        }
        contiguous = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        write_atomically(path, save(contiguous, metadata))

    @classmethod
    def load(cls, path: Path) -> "FigureData":
        """Read what `save` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not a figure's data.
        """
        try:
            with safe_open(path, "np") as stored:
                metadata = stored.metadata() or {}
                arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
            settings, labels = json.loads(metadata["settings"]), json.loads(metadata["labels"])
            return cls(arrays, metadata["caption"], settings, labels)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"{path} does not hold a figure's data ({error}); delete it to compute it anew") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise

"""Tensors and facts in a folder: safetensors and JSON, checked by a checksum, replaced in one stroke.

NAME.json holds the facts, with a checksum of their own, and names the safetensors file, with its SHA-256. Renaming
NAME.json into place is the moment at which the folder passes from the old state to the new; a kill before it leaves the
old one whole.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from files import write_atomically

FORMAT = 1


def write_tensors(folder: Path, name: str, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and facts; what an earlier write of the same name left is removed.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = save({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
    checksum = hashlib.sha256(data).hexdigest()
    file = f"{name}-{checksum[:16]}.safetensors"
    index = {"format": FORMAT, "tensors": file, "sha256": checksum, **facts}
    text = json.dumps(index | {"seal": _seal(index)}, indent=2, allow_nan=False)
    write_atomically(folder / file, data)
    write_atomically(folder / f"{name}.json", text.encode())
    for old in folder.glob(f"{name}-{'[0-9a-f]' * 16}.safetensors"):
        if old.name != file:
            old.unlink(missing_ok=True)


def read_tensors(folder: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises:
        OSError: a file is missing or cannot be read.
        ValueError: a file is damaged.
    """
    facts = read_facts(folder, name)
    index, file, checksum = folder / f"{name}.json", folder / facts["tensors"], facts["sha256"]
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != checksum:
        raise ValueError(f"{file} is damaged: its SHA-256 is not the one that {index.name} states")
    try:
        return load(data), facts
    except SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from None


def read_facts(folder: Path, name: str) -> dict[str, Any]:
    """Read the facts that `write_tensors` wrote, and not the tensors.

    Raises:
        OSError: the file is missing or cannot be read.
        ValueError: it is damaged.
    """
    index = folder / f"{name}.json"
    try:
        facts: dict[str, Any] = json.loads(index.read_text())
        seal = (facts["tensors"], facts["sha256"], facts.pop("seal", None))[2]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{index} is damaged: it is not the JSON that was saved") from None
    if facts.get("format") != FORMAT:
        raise ValueError(f"{index} must have format {FORMAT}, got {facts.get('format')!r}")
    if seal != _seal(facts):
        raise ValueError(f"{index} is damaged: its seal is not that of what it says")
    return facts


def has_tensors(folder: Path, name: str) -> bool:
    """Whether there is what `write_tensors` wrote, without reading it all."""
    try:
        return (folder / json.loads((folder / f"{name}.json").read_text())["tensors"]).is_file()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _seal(facts: dict[str, Any]) -> str:
    """SHA-256 of facts as they come back from JSON."""
    return hashlib.sha256(json.dumps(json.loads(json.dumps(facts)), sort_keys=True).encode()).hexdigest()

"""The arithmetic that a recipe's precision asks for, while a block runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.backends import cuda, cudnn


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Products of float32 numbers in TF32 only where asked, and convolutions on CUDA that repeat themselves.

    Under "bfloat16" the factors of products are rounded to it, and sums are in float32. What the program had set before
    is set again afterwards.
    """
    with ExitStack() as settings:
        settings.enter_context(
            torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
        )
        if device.type == "cuda":
            float32 = "tf32" if precision == "tf32" else "ieee"
            # Not by cudnn.flags, which switches cuDNN off where it is not told otherwise.
            for place, name, value in (
                (cudnn, "benchmark", False),
                (cudnn, "deterministic", True),
                (cudnn.conv, "fp32_precision", float32),  # type: ignore[attr-defined]  # torch does not declare it
                (cuda.matmul, "fp32_precision", float32),
                (cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
            ):
                _set(settings, place, name, value)
        yield


def _set(settings: ExitStack, place: Any, name: str, value: Any) -> None:
    settings.callback(setattr, place, name, getattr(place, name))
    setattr(place, name, value)

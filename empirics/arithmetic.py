"""The arithmetic that a recipe's precision asks for, while a block runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Products of float32 numbers in TF32 only where asked, and runs on CUDA that repeat themselves bit for bit.

    Under "bfloat16" the factors of products are rounded to it, and sums are in float32.
    """
    if device.type != "cuda":
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False):
            yield
        return
    tf32 = precision == "tf32"
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        with (
            torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=tf32),
            torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False),
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before

"""The arithmetic that a recipe's precision asks for, while a block runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Products of float32 numbers in TF32 only where asked, and runs on CUDA that repeat themselves bit for bit.

    Under "bfloat16" the factors of products are rounded to it, and sums are in float32.
    """
    with ExitStack() as settings:
        settings.enter_context(
            torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
        )
        if device.type == "cuda":
            tf32 = precision == "tf32"
            settings.enter_context(torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=tf32))
            settings.callback(setattr, torch.backends.cuda.matmul, "allow_tf32", torch.backends.cuda.matmul.allow_tf32)
            torch.backends.cuda.matmul.allow_tf32 = tf32
        yield

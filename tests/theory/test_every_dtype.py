"""Every real dtype that torch has is taken at every door, and gives what the same numbers give in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import numerics
import theory
from theory import depth, wide

DTYPES = (
    *(torch.bfloat16, torch.float16, torch.float32),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64),
)
WHOLE = torch.randint(0, 9, (1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.float64)
LAYER = theory.Convolutional(1, kernel_size=3)
WIDE = wide.Convolutional(2, kernel_size=3, weight_variance=2.0)
DOORS: dict[str, Callable[[Tensor], Any]] = {
    "patch_matrix": lambda x: numerics.patch_matrix(x, 3),
    "patch_gram": lambda x: numerics.patch_gram(x, 3),
    "patch_rank": lambda x: numerics.patch_rank(x, 3).rank,
    "patch_ranks": lambda x: numerics.patch_ranks(x[None], 3).rank,
    "support_certificate": lambda x: numerics.support_certificate(x, 3).rank_at_least,
    "row_space": lambda x: numerics.row_space(x[0]).rank,
    "momentum_response": lambda x: numerics.momentum_response(x[0, 0], lr=0.05, steps=3),
    "gradient_descent": lambda x: theory.gradient_descent(LAYER, x)(x),
    "per_image": lambda x: theory.per_image(LAYER, x[None]).weight,
    "ensemble": lambda x: theory.initialization_ensemble(LAYER, x, scheme="kaiming_normal").mean(x),
    "max_stable_lr": lambda x: theory.max_stable_lr(LAYER, x),
    "decompose": lambda x: theory.decompose(x.reshape(-1), x.reshape(-1))[0],
    "wide": lambda x: wide.gradient_flow(WIDE, x).mean(x),
    "ceiling": lambda x: depth.ceiling(torch.zeros_like(x), x, 2, 3).with_training_image,
    "least_depth": lambda x: depth.least_depth(x, 3),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("door", DOORS)
def test_a_door_takes_every_dtype(door: str, dtype: torch.dtype) -> None:
    expected = np.asarray(DOORS[door](WHOLE), dtype=np.float64)
    found = DOORS[door](WHOLE.to(dtype))
    if isinstance(found, Tensor):
        assert found.dtype == dtype or not dtype.is_floating_point or not found.dtype.is_floating_point  # ranks
        found = found.to(torch.float64)
    found = np.asarray(found, dtype=np.float64)
    # Computed in float64, and rounded once to the dtype where it is a floating one.
    unit = torch.finfo(dtype).eps if dtype.is_floating_point else 1e-12
    assert np.abs(found - expected).max() <= unit * np.abs(expected).max() + 1e-12

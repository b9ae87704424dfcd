"""What a precision sets while a block runs is what it says, and afterwards all is as it was."""

import warnings
from collections.abc import Iterator

import pytest
import torch
from torch.backends import cuda, cudnn

from empirics.training.precision import arithmetic
from empirics.training.recipe import PRECISIONS

CUDA = torch.device("cuda")  # its settings can be made without one


@pytest.fixture(autouse=True)
def _no_autocast_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*CUDA is not available.*")
        yield


def settings() -> tuple:
    return (
        cudnn.enabled,
        cudnn.benchmark,
        cudnn.deterministic,
        cudnn.conv.fp32_precision,
        cuda.matmul.fp32_precision,
        cuda.matmul.allow_bf16_reduced_precision_reduction,
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tf32_only_where_asked_and_cudnn_stays_on(precision: str) -> None:
    before = settings()
    assert before[0]
    float32 = "tf32" if precision == "tf32" else "ieee"
    with arithmetic(precision, CUDA):
        assert settings() == (True, False, True, float32, float32, False)
    assert settings() == before


@pytest.mark.parametrize("wanted", ["tf32", "ieee"])
def test_the_callers_settings_come_back_after_an_error_too(wanted: str) -> None:
    kept = cuda.matmul.fp32_precision
    cuda.matmul.fp32_precision, cudnn.benchmark = wanted, True
    try:
        before = settings()
        with pytest.raises(ZeroDivisionError), arithmetic("float32", CUDA):
            raise ZeroDivisionError
        assert settings() == before
    finally:
        cuda.matmul.fp32_precision, cudnn.benchmark = kept, False


@pytest.mark.parametrize("precision", PRECISIONS)
def test_on_a_cpu_bfloat16_rounds_factors_and_nothing_else_does(precision: str) -> None:
    a = torch.tensor([[1 + 2.0**-10]])
    with arithmetic(precision, torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu") == (precision == "bfloat16")
        assert float(a @ torch.eye(1)) == (1.0 if precision == "bfloat16" else float(a))
    assert float(a @ torch.eye(1)) == float(a)

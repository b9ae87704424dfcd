"""A CUDA graph without a GPU: operations are recorded as they are dispatched, and replayed into the same memory.

What a graph would not see is not replayed here either: numbers that Python computed, memory that was made anew. What
would make a capture fail does so here: waiting for a number, and copying one from the host.
"""

import importlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FORBIDDEN = {"_local_scalar_dense", "lift_fresh", "nonzero", "is_nonzero"}


class Graph:
    """Stands in for `torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self.recorded: list[tuple[Callable[..., Any], tuple, dict[str, Any], Any]] = []

    def replay(self) -> None:
        with torch.no_grad():
            for function, args, kwargs, output in self.recorded:
                new = function(*args, **kwargs)
                # Views and operations in place have written to the recorded memory already.
                if any(result.alias_info is not None for result in function._schema.returns):
                    continue
                for old, value in zip(_tensors(output), _tensors(new), strict=True):
                    old.copy_(value)


class Recorder(TorchDispatchMode):
    def __init__(self, graph: Graph, allowed: Collection[str]) -> None:
        super().__init__()
        self.graph, self.forbidden = graph, FORBIDDEN - set(allowed)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._schema.name.partition("::")[2]
        assert name not in self.forbidden, f"{name} cannot be captured"
        output = function(*args, **(kwargs or {}))
        self.graph.recorded.append((function, args, kwargs or {}, output))
        return output


class Stream:
    def wait_stream(self, other: "Stream") -> None:
        pass


def _tensors(output: Any) -> list[Tensor]:
    each = output if isinstance(output, tuple | list) else [output]
    return [value for value in each if isinstance(value, Tensor)]


@contextmanager
def graphs_on_cpu(monkeypatch, allowed: Collection[str] = ()) -> Iterator[list[Graph]]:
    """While the block runs, trainings in blocks record their steps as on a GPU; yields the graphs recorded.

    `allowed`: operations that may be captured although they look at a number, because it is on the host.
    """
    made: list[Graph] = []

    def graph() -> Graph:
        made.append(Graph())
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr("empirics.training.descent.Task.on_gpu", True)
        patch.setattr(torch.cuda, "device", lambda device: nullcontext())
        patch.setattr(torch.cuda, "Stream", Stream)
        patch.setattr(torch.cuda, "current_stream", Stream)
        patch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
        patch.setattr(torch.cuda, "CUDAGraph", graph)
        patch.setattr(torch.cuda, "graph", lambda graph, stream: Recorder(graph, allowed))
        for name in ("adamax", "rmsprop"):  # which would refuse to be captured elsewhere
            module = importlib.import_module(f"torch.optim.{name}")
            patch.setattr(module, "_get_capturable_supported_devices", lambda *_, **__: ["cpu", "meta"])
        yield made

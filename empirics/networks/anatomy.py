"""All that decides what a network computes, but for its weights: its code, its settings, and what else it holds.

Two networks of one anatomy and the same weights are the same function, as far as can be looked into: the bytecode of
their classes down to torch's own, with the functions, closures and constants that it names; every attribute of every
module; buffers and other arrays, bit for bit; hooks. An object that shows nothing of itself counts by its class alone.
"""

import enum
import functools
import hashlib
import sys
from collections.abc import Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PLAIN = (type(None), bool, int, float, complex, str, bytes)
# Of a module: what is told on its own, and torch's bookkeeping.
ELSEWHERE = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}
HOOKS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called")
# Of a class: what does not decide what it does.
ASIDE = {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__", "__firstlineno__"}
ASIDE |= {"__static_attributes__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__", "_abc_impl"}
# What their versions tell of: nothing in them is looked into.
LIBRARIES = {"torch", "numpy", "jaxtyping", "builtins"} | sys.stdlib_module_names - {"__main__"}

Path = tuple[int, ...]  # the objects on the way to this one: one that holds itself is not entered again


def anatomy(network: nn.Module) -> dict[str, str]:
    """A checksum for each module of a network, by its name; "" is the network itself.

    It is the same in another process, and on another machine, where the version of Python is.
    """
    return {name: _checksum(_of_module(module, ())) for name, module in network.named_modules()}


def _checksum(told: Any) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _of_module(module: nn.Module, path: Path) -> Any:
    path = (*path, id(module))
    return (
        _told(type(module), path),
        [(name, _told(value, path)) for name, value in sorted(_attributes(module).items())],
        [(name, _told(value, path)) for name, value in sorted(module._buffers.items())],
        [(name, None if value is None else tuple(value.shape)) for name, value in module._parameters.items()],
        list(module._modules),
    )


def _attributes(module: nn.Module) -> dict[str, Any]:
    held = {name: value for name, value in vars(module).items() if name not in ELSEWHERE}
    # Hooks are numbered in the order in which a whole program made them.
    return {name: list(value.values()) if name.endswith(HOOKS) else value for name, value in held.items()}


def _told(value: Any, path: Path) -> Any:
    """A value in words that are the same wherever it is the same."""
    if isinstance(value, PLAIN) and not isinstance(value, enum.Enum):
        return type(value).__name__, repr(value)
    if id(value) in path:
        return "again", path.index(id(value))
    path = (*path, id(value))
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return _of_array(value)
    if isinstance(value, type):
        return _of_class(value, path)
    if isinstance(value, nn.Module):
        return _of_module(value, path), [(name, _told(child, path)) for name, child in value._modules.items()]
    if isinstance(value, FunctionType):
        return _of_function(value, path)
    if isinstance(value, MethodType):
        return "method", _told(value.__func__, path), _told(value.__self__, path)
    if isinstance(value, functools.partial):
        return "partial", _told(value.func, path), _told(value.args, path), _told(value.keywords, path)
    if isinstance(value, Mapping):
        return type(value).__name__, [(_told(key, path), _told(held, path)) for key, held in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [_told(held, path) for held in value]
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(repr(_told(held, path)) for held in value)
    if isinstance(value, staticmethod | classmethod):
        return type(value).__name__, _told(value.__func__, path)
    if isinstance(value, property):
        return "property", _told(value.fget, path)
    if isinstance(value, torch.dtype | torch.device | torch.memory_format | enum.Enum | slice | range):
        return type(value).__name__, repr(value)
    held = {name: getattr(value, name) for name in _slots(type(value)) if hasattr(value, name)}
    held |= vars(value) if hasattr(value, "__dict__") else {}
    name = getattr(value, "__qualname__", "")  # of built-in functions
    return _told(type(value), path), name, [(key, _told(each, path)) for key, each in sorted(held.items())]


def _slots(kind: type) -> list[str]:
    found = [vars(ancestor).get("__slots__", ()) for ancestor in kind.__mro__]
    names = [name for slots in found for name in ([slots] if isinstance(slots, str) else slots)]
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _of_array(value: Tensor | np.ndarray | np.generic) -> Any:
    kind = type(value).__name__, str(value.dtype), tuple(value.shape)
    if isinstance(value, Tensor):
        if value.is_meta or value.layout != torch.strided:
            return kind
        data = value.detach().cpu().resolve_conj().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    else:
        data = repr(value.tolist()).encode() if value.dtype.kind == "O" else value.tobytes()
    return kind, hashlib.sha256(data).hexdigest()


def _of_class(kind: type, path: Path) -> Any:
    """What a class adds to the libraries' classes that it is made from."""
    own = [ancestor for ancestor in kind.__mro__ if not _of_library(ancestor)]
    told = []
    for ancestor in own:
        values = {name: value for name, value in vars(ancestor).items() if name not in ASIDE}
        told.append((ancestor.__qualname__, [(name, _told(value, path)) for name, value in sorted(values.items())]))
    return f"{kind.__module__ if _of_library(kind) else ''}.{kind.__qualname__}", told


def _of_library(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "builtins").partition(".")[0] in LIBRARIES


def _of_function(function: FunctionType, path: Path) -> Any:
    if _of_library(function):
        return "function", f"{function.__module__}.{function.__qualname__}"
    names = _names(function.__code__)
    used = {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}
    closed = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return (
        "function",
        _of_code(function.__code__, function.__doc__),
        _told(function.__defaults__, path),
        _told(function.__kwdefaults__, path),
        [(name, _told(value, path)) for name, value in used.items() if _is_constant(value)],
        [(name, "empty" if _is_empty(cell) else _told(cell.cell_contents, path)) for name, cell in closed],
    )


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is cell  # never: it is here to be read
    except ValueError:
        return True


def _is_constant(value: Any) -> bool:
    """Whether a global name stands for something that functions depend on, and not for the state of a program."""
    kinds = (*PLAIN, tuple, list, dict, Tensor, np.ndarray, FunctionType, type, functools.partial, enum.Enum)
    return isinstance(value, kinds)


def _names(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(_names(each) for each in inner))


def _of_code(code: CodeType, doc: str | None) -> Any:
    """Bytecode and the constants in it, without lines, names of files, and docstrings."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constants.append(_of_code(constant, None))
        elif not (isinstance(constant, str) and constant == doc):
            constants.append(_told(constant, ()))
    return code.co_code.hex(), constants, code.co_names, code.co_varnames

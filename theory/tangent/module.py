"""A torch module as a function of its parameters and of one input at a time, with its first derivatives.

Derivatives are torch's own: `torch.func.vjp` (reverse mode) and `torch.func.jvp` (forward mode). The Jacobian of all
outputs in all parameters is never needed as a whole: a product with it, from either side, is one pass.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

ROWS_AT_ONCE = 2**26  # bytes of Jacobian rows that are computed in one pass
Parameters = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Function:
    """f(θ; x) of one network, in float64.

    Attributes:
        module: the architecture, in float64.
        parameters: θ₀, by name: those that training moves.
        constants: buffers and frozen parameters, by name.
    """

    module: nn.Module
    parameters: Parameters
    constants: Parameters

    @cached_property
    def size(self) -> int:
        """How many numbers training moves."""
        return sum(value.numel() for value in self.parameters.values())

    def outputs(self, x: Tensor, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """f(θ; x) of a batch, (n, ...); θ is θ₀ unless given."""
        weights = self.parameters if parameters is None else parameters
        # A copy, since a forward may write to its input.
        return functional_call(self.module, {**self.constants, **weights}, (x.clone(),))

    def pushed(self, x: Tensor, direction: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """f(θ₀; x) and J(x) δ of a batch, (n, ...) each."""
        with warnings.catch_warnings():  # torch's own words to itself, when forward mode is first used
            warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
            return jvp(lambda weights: self.outputs(x, weights), (self.parameters,), (dict(direction),))  # type: ignore[return-value]

    def pulled(self, x: Tensor, cotangent: Tensor) -> Parameters:
        """J(x)ᵀ a of a batch, summed over its inputs, by name."""
        return self._pull(x)[1](cotangent)[0]

    def _pull(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Parameters]]]:
        return vjp(lambda weights: self.outputs(x, weights), self.parameters)  # type: ignore[return-value]

    def _rows(self, x: Tensor) -> Iterator[Parameters]:
        """The Jacobian of a batch's outputs by parameter name, (rows, ...) each, in blocks, input after input."""
        block = max(1, ROWS_AT_ONCE // (8 * self.size))
        for one in x:
            value, pull = self._pull(one[None])
            entries = value.numel()
            for first in range(0, entries, block):
                units = torch.eye(min(block, entries - first), entries, dtype=value.dtype, device=value.device)
                (rows,) = vmap(pull)(units.roll(first, dims=1).reshape(-1, *value.shape))
                yield rows

    def jacobian(self, x: Tensor) -> Tensor:
        """J of a batch's outputs, (entries of all outputs, numbers in θ)."""
        return torch.cat(
            [torch.cat([part.flatten(1) for part in rows.values()], dim=1).detach() for rows in self._rows(x)]
        )

    def kernel(self, x: Tensor) -> Tensor:
        """Θ(x, x) = J Jᵀ without J: each row of J, found by a reverse pass, is pushed through a forward one."""
        return torch.cat([vmap(lambda row: self.pushed(x, row)[1].flatten())(rows).detach() for rows in self._rows(x)])

    def named(self, flat: Tensor) -> Parameters:
        """A vector of all numbers in θ, by name."""
        parts = flat.split([value.numel() for value in self.parameters.values()])
        return {
            name: part.reshape(value.shape) for (name, value), part in zip(self.parameters.items(), parts, strict=True)
        }


def functions(module: nn.Module, x: Tensor, weights: Mapping[str, Tensor] | None) -> list[Function]:
    """One function for each set of weights: the module's own, or each seed's of `weights`.

    Args:
        module: in float64, checked by `check_module`.
        x: checked inputs, with their batch axis.
        weights: parameter name to (seeds, *shape), in float64; None for the module's own.
    """
    own = {name: value.detach() for name, value in module.named_parameters()}
    moved = {name for name, value in module.named_parameters() if value.requires_grad}
    constants = {name: value.detach() for name, value in module.named_buffers()}
    constants |= {name: value for name, value in own.items() if name not in moved}
    if weights is None:
        return [Function(module, {name: own[name] for name in moved_in_order(module)}, constants)]
    seeds = len(next(iter(weights.values())))
    return [
        Function(module, {name: weights[name][seed] for name in moved_in_order(module)}, constants)
        for seed in range(seeds)
    ]


def moved_in_order(module: nn.Module) -> list[str]:
    """The names of the parameters that training moves, as the module lists them."""
    return [name for name, value in module.named_parameters() if value.requires_grad]


def check_module(module: nn.Module, x: Tensor) -> Tensor:
    """Refuse what is not one function of its weights and of each input by itself; return its outputs.

    Raises:
        ValueError: no parameters to move, outputs that are random, not one tensor of floats, or depend on the other
            inputs of a batch; or a forward that changes what the module holds.
    """
    if not moved_in_order(module):
        raise ValueError("model must have parameters that training moves, got none with requires_grad")
    held = {name: value.clone() for name, value in module.named_buffers()}
    first, second = _answer(module, x), _answer(module, x)
    if not isinstance(first, Tensor) or not first.is_floating_point() or first.ndim < 1 or len(first) != len(x):
        raise ValueError(f"model must output one tensor, with one row for each input, got {type(first).__name__}")
    if any(not torch.equal(value, held[name]) for name, value in module.named_buffers()):
        raise ValueError("model must not change what it holds, such as running statistics: model.eval() may help")
    if not torch.equal(first, second):
        raise ValueError("model must answer the same twice, without dropout or noise: model.eval() may help")
    scale = float(first.abs().max()) or 1.0
    if not torch.allclose(_answer(module, x[:1]), first[:1], rtol=0, atol=scale * torch.finfo(first.dtype).eps ** 0.5):
        raise ValueError("model must answer each input by itself, whatever else is in the batch: model.eval() may help")
    return first


def _answer(module: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        try:
            return module(x.clone())
        except Exception as error:
            words = str(error).partition("\n")[0]
            raise ValueError(f"inputs of shape {tuple(x.shape)} do not fit the model: {words}") from error

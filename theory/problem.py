"""A training problem of a one-layer network: its arguments checked, and how far training gets along each mode."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np

from numerics.arguments import as_float64, common_namespace, floating_dtype, real_array, step_numbers
from numerics.momentum import momentum_modes
from numerics.row_space import RowSpace, decomposed, row_space_of_blocks, to_numpy
from theory.networks import Network, check_network, pack
from theory.optimizer import GradientDescent, stable_lr


@dataclass(frozen=True)
class Problem:
    """A checked training problem in float64: the design's row space, and how far training gets along it."""

    network: Network
    inputs: Any
    dtype: Any
    space: RowSpace
    amplitudes: Any  # Σ⁻¹UᵀT, the coordinates in V of D⁺T, (blocks, q, outputs)
    steps: int | float | tuple[int, ...]
    left: Any  # e_t per mode, (..., blocks, q)
    learned: Any  # 1 − e_t, to its own relative accuracy

    @property
    def xp(self) -> Any:
        """The arrays' namespace."""
        return array_api_compat.array_namespace(self.inputs)

    def learned_parameters(self) -> Any:
        """What training adds, (D⁺T)ᵀ mode by mode as far as learned, (..., blocks, outputs, columns)."""
        xp = self.xp
        if self.learned.ndim == 2:
            return xp.matrix_transpose(self.space.right @ (self.learned[..., None] * self.amplitudes))
        # All times side by side as columns, so that it is one product of matrices.
        times, blocks, q = self.learned.shape
        along = xp.permute_dims(self.learned, (1, 2, 0))[..., None] * self.amplitudes[:, :, None, :]
        found = self.space.right @ xp.reshape(along, (blocks, q, -1))
        return xp.permute_dims(xp.reshape(found, (blocks, -1, times, self.amplitudes.shape[-1])), (2, 0, 3, 1))

    def forget(self, initial: Any) -> Any:
        """What training leaves of initial parameters: Θ₀ − Θ₀ V diag(learned) Vᵀ, (..., blocks, outputs, columns)."""
        basis = self.space.right
        return initial - (initial @ basis * self.learned[..., None, :]) @ self.xp.matrix_transpose(basis)


def problem_of(
    network: Network, inputs: Any, targets: Any, *, steps: Any, optimizer: GradientDescent | None
) -> Problem:
    """Check a training problem and decompose its design matrix; see `gradient_descent`."""
    inputs = check_network(network).check_inputs("inputs", inputs)
    targets = check_targets(network, inputs, targets)
    common_namespace(inputs=inputs, targets=targets)
    if optimizer is not None:
        check_optimizer(optimizer)
    space, amplitudes = decomposed_design(network, inputs, targets)
    entries = math.prod(network.target_shape(inputs))
    steps, left, learned = covered(space, entries, steps, optimizer)
    return Problem(network, inputs, floating_dtype(inputs), space, amplitudes, steps, left, learned)


def decomposed_design(network: Network, inputs: Any, targets: Any) -> tuple[RowSpace, Any]:
    """The design's row space, and what of D⁺T lies along each of its directions: Σ⁻¹UᵀT, (blocks, q, outputs)."""
    xp = array_api_compat.array_namespace(inputs)
    blocks = network.design_blocks(as_float64(inputs))
    responses = None if targets is None else network.stack(as_float64(targets))
    if blocks is None:
        space = decomposed(network.design(as_float64(inputs)))
        along = None if responses is None else xp.matrix_transpose(space.left) @ responses
    else:
        space, along = _decomposed_in_blocks(blocks, responses)
    if along is None:  # T = D Θ*ᵀ: of D⁺T the part of Θ* in the row space, with nothing divided by small numbers
        along = xp.matrix_transpose(network.identity_parameters(inputs) @ space.right)
        return space, xp.where(space.kept[..., None], along, 0 * along)
    with np.errstate(over="ignore"):  # a result beyond float64 is refused where it would be returned
        return space, space.inverse_singular_values()[..., None] * along


def _decomposed_in_blocks(blocks: Iterator[Any], responses: Any) -> tuple[RowSpace, Any]:
    """The row space of a design of one block that comes in parts, and UᵀT; None where there are no responses."""

    def pairs() -> Iterator[tuple[Any, Any]]:
        done = 0
        for block in blocks:
            rows = slice(done, done + block.shape[0])
            done = rows.stop
            yield block, block[:, :0] if responses is None else responses[0, rows, :]

    space, along = row_space_of_blocks(pairs())
    return space.stacked(), None if responses is None else along[None, ...]


def covered(
    space: RowSpace, target_entries: int, steps: Any, optimizer: GradientDescent | None
) -> tuple[int | float | tuple[int, ...], Any, Any]:
    """The steps, and how much of its way each mode has left and has learned: refused where there is no answer."""
    xp = array_api_compat.array_namespace(space.right)
    if isinstance(steps, float | np.floating) and steps == math.inf:
        if optimizer is not None:
            refuse_unstable(optimizer, to_numpy(space.singular_values), target_entries)
        space.require_decided()
        kept = xp.astype(space.kept, xp.float64)
        return math.inf, 1 - kept, kept
    numbers, trajectory = step_numbers(steps)
    if optimizer is None:
        raise ValueError("optimizer must be given for a finite number of steps: its learning rate decides the result")
    left, learned = momentum_modes(
        2 * space.singular_values**2 / target_entries,
        lr=optimizer.lr,
        momentum=optimizer.momentum,
        milestones=optimizer.milestones,
        gamma=optimizer.gamma,
        steps=numbers,
    )
    return (numbers, left, learned) if trajectory else (numbers[0], left[0, ...], learned[0, ...])


def refuse_unstable(optimizer: GradientDescent, singular_values: np.ndarray, target_entries: int) -> None:
    """Refuse a final learning rate at which training does not converge."""
    limit = stable_lr(singular_values, target_entries, optimizer.momentum)
    if optimizer.final_lr >= limit:
        raise ValueError(
            f"optimizer's final learning rate {optimizer.final_lr:.6g} must be below {limit:.6g}, "
            "at and above which gradient descent does not converge on these inputs (see max_stable_lr)"
        )


def check_optimizer(optimizer: Any) -> None:
    """Refuse anything but a `GradientDescent`."""
    if not isinstance(optimizer, GradientDescent):
        raise TypeError(f"optimizer must be a GradientDescent, got {type(optimizer).__name__}")


def check_targets(network: Network, inputs: Any, targets: Any) -> Any:
    """Targets in the shape of the network's output, or None for the identity task."""
    if targets is None:
        return None
    shape = network.target_shape(inputs)
    targets = real_array("targets", targets, network.input_shapes)
    if tuple(targets.shape) != shape:
        raise ValueError(f"targets must have the shape of the network's output, {shape}, got {tuple(targets.shape)}")
    return targets


def initial_parameters(network: Network, inputs: Any, initial: Any) -> Any:
    """Checked initial weight, or (weight, bias), as parameters (blocks, outputs, columns) in float64."""
    if initial is None:
        return None
    bias = None
    if isinstance(initial, tuple | list):
        if not network.bias:
            raise TypeError("initial must be the weight alone: the network has no bias")
        if len(initial) != 2:
            raise ValueError(f"initial must be (weight, bias), got {len(initial)} parts")
        weight, bias = initial
        bias = _of_shape("initial bias", bias, network.bias_shape(inputs))
    elif network.bias:
        raise TypeError(f"initial must be (weight, bias), as the network has a bias; got {type(initial).__name__}")
    else:
        weight = initial
    weight = _of_shape("initial weight", weight, network.weight_shape(inputs))
    common_namespace(inputs=inputs, **{"initial weight": weight, "initial bias": bias})
    return pack(network, as_float64(weight), None if bias is None else as_float64(bias))


def _of_shape(name: str, value: Any, shape: tuple[int, ...]) -> Any:
    value = real_array(name, value, {len(shape): str(shape)})
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, got {tuple(value.shape)}")
    return value

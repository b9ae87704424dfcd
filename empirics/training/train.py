"""Training: many seeds of one architecture, together, on the same few examples."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Num
from torch import Tensor, nn

from empirics.arguments import boolean, integers
from empirics.arrays import converted, finite, real_tensor, same_kind, say_if_bytes, tensor_of
from empirics.networks.architecture import check_fit, check_trainable, first_line, input_shapes, new_network
from empirics.networks.initialization import seed_number
from empirics.training.checkpoints import Checkpoints
from empirics.training.descent import Descent, Task, descend
from empirics.training.ensemble import TrainedEnsemble
from empirics.training.fingerprint import description
from empirics.training.history import merged
from empirics.training.precision import arithmetic
from empirics.training.progress import Hear, after, progress_bar
from empirics.training.quickest import measured
from empirics.training.recipe import Recipe
from empirics.training.stack.members import WAYS, Weights
from empirics.training.stack.size import Division, divide
from empirics.training.stack.weights import check_stacked, draw_stacked
from empirics.training.watching import Watched

BLOCK = 100  # steps on a GPU between two looks at the losses


def train(
    make_model: Callable[[], nn.Module],
    inputs: Num[Any, "*n_and_shape"],
    targets: Num[Any, "*n_and_output_shape"] | None = None,
    *,
    recipe: Recipe,
    seeds: Sequence[int] = (0,),
    initial: Mapping[str, Any] | None = None,
    device: torch.device | str | None = None,
    snapshots: Iterable[int] = (),
    watch: Num[Any, "*n_and_shape"] | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_every: int | timedelta = timedelta(minutes=1),
    progress: bool | Hear = True,
) -> TrainedEnsemble:
    """Train one network per seed, many together, by full-batch gradient descent on the mean squared error.

    Each member's loss is `torch.nn.MSELoss()` of its own outputs, the mean over all entries, and its gradient is that
    of torch's autograd: members share the machine's work, not each other's numbers. They train in stacks of a size that
    is fast (`empirics.training.stack.size`), one stack after the other. A member trained in another company agrees to
    rounding.

    On a CPU runs repeat bit for bit on the same machine with the same number of threads. On a GPU the quickest way to
    compute is found by trying (`empirics.training.quickest`): two runs agree to rounding, and bit for bit where their
    `division` is the same (not with padding modes "reflect" and "replicate", whose gradients torch sums in any order).

    Args:
        make_model: returns a new network, e.g. `lambda: FCN(784, depth=1)`.
        inputs: training inputs, images (n, C, H, W) or (C, H, W), or vectors (n, d) or (d,): what the network's forward
            takes. Arithmetic is in the recipe's precision, whatever their dtype; integers are taken as they are.
        targets: what the network is to output for them; None for the inputs themselves.
        recipe: optimizer, schedule, steps, precision and initialization.
        seeds: of the initial weights, one member each, all different.
        initial: initial weights instead of those of the seeds: parameter name to array, seeds first.
        device: where to train; None for where the inputs are.
        snapshots: step numbers at which all weights are kept; 0 is before the first step.
        watch: images, or vectors, that are not trained on: at each recorded step, how near to the identity and to the
            constant function the networks are on them goes to the history. Shaped as inputs are, of any size that the
            network takes.
        checkpoint: a folder to keep the training in, so that the same call after a crash, or a kill at any moment, goes
            on from there and ends at the same weights (on a CPU bit for bit); None for not keeping it. A call with more
            steps goes on, too, where its schedule has been the same so far. On Ctrl-C the step is ended and kept. On
            another machine the same call goes on, and ends at other last bits.
        checkpoint_every: how many steps, or how much time, may be lost; on a GPU up to a hundred steps more.
        progress: whether to tell on stderr how far it is, by a bar on a terminal and elsewhere by a line a minute; or a
            function to call after each step instead, with the steps taken and those that there are (all stacks').

    Returns:
        The trained networks.

    Warns:
        UserWarning: inputs, targets or images to watch are of uint8, which are taken as they are; a checkpoint is
            damaged (the one before it is used), was written by another version of torch or Python, or cannot be
            written (the training goes on).

    Raises:
        TypeError: an argument of the wrong type, mixed kinds of arrays, or a layer that `initialize` does not know.
            Of make_model: no function, or one whose networks do not output one tensor.
        ValueError: a network with frozen or unused parameters, random numbers or running statistics. Inputs that are
            empty, not finite, or do not fit the network; no targets where outputs have another shape than inputs;
            targets, initial weights, seeds or snapshots out of range; a checkpoint of another training.
        OSError: checkpoints cannot be read, or the folder not written to before the first step.
        KeyboardInterrupt: Ctrl-C was pressed; with checkpoints, what is kept and how to go on.

    Example:
        >>> import torch
        >>> from empirics.networks.fully_connected import FCN
        >>> recipe = Recipe(optimizer="adam", lr=0.01, steps=300)
        >>> make_model = lambda: FCN(4, depth=2, width=16)
        >>> trained = train(make_model, torch.eye(4)[:1], recipe=recipe, seeds=range(3), progress=False)
        >>> trained.learned, tuple(trained.predict(torch.eye(4)).shape)  # seeds first
        ((True, True, True), (3, 4, 4))

    Source: Zhang et al. 2020, section 3 and the appendix on training details.
    """
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe, got {type(recipe).__name__}")
    members = _check_seeds(seeds)
    steps = frozenset(integers("snapshots", snapshots))
    if steps and max(steps) > recipe.steps:
        raise ValueError(f"snapshots must be step numbers up to the recipe's {recipe.steps}, got {max(steps)}")
    progress = progress if callable(progress) else boolean("progress", progress)
    place = _device(device, inputs)
    network = new_network(make_model).to(place, recipe.dtype)
    x, y = _examples(network, inputs, targets, recipe.dtype, place)
    start = (
        draw_stacked(network, recipe.scheme, members, recipe.dtype)
        if initial is None
        else check_stacked(network, initial, len(members), recipe.dtype)
    )
    start = {name: value.to(place) for name, value in start.items()}
    division = divide(network, len(members), x, recipe)
    task = Task(
        network=network,
        inputs=x,
        targets=y,
        recipe=recipe,
        way=division.way,
        snapshots=steps,
        watched=None if watch is None else _watched(network, watch, inputs, y, recipe.dtype, place),
        block=BLOCK if place.type == "cuda" else 1,
    )
    if place.type == "cuda":
        division = measured(division, task, start)
        task = replace(task, way=division.way)
    checkpoints = None
    if checkpoint is not None:
        checkpoints = Checkpoints(
            checkpoint, checkpoint_every, description(task, members, start, drawn=initial is None), division
        )
        division = checkpoints.division
        task = replace(task, way=division.way)
    _rehearse(task, members, start, division)
    stacks = []
    with (
        progress_bar(recipe.steps * len(division.sizes), show=progress) as report,
        nullcontext() if checkpoints is None else checkpoints.same_threads(),
        nullcontext() if checkpoints is None else checkpoints.stopped_by_ctrl_c(),
    ):
        for index, some in enumerate(division.stacks):
            descent = Descent.start(_of_members(start, some))
            keeper = None
            if checkpoints is not None:
                descent, keeper = checkpoints.newest(index, descent)
            descend(task, descent, after(index * recipe.steps, report), keeper)
            stacks.append(descent)
    return _ensemble(task, members, start, stacks, division)


def _of_members(weights: Weights, some: range) -> Weights:
    return {name: value[some.start : some.stop] for name, value in weights.items()}


def _ensemble(
    task: Task, members: tuple[int, ...], start: Weights, stacks: list[Descent], division: Division
) -> TrainedEnsemble:
    """What came of the stacks, as one."""

    def together(weights: list[Weights]) -> Weights:
        return {name: torch.cat([some[name] for some in weights]) for name in start}

    return TrainedEnsemble(
        network=task.network,
        recipe=task.recipe,
        seeds=members,
        initial_weights=start,
        weights=together([descent.weights for descent in stacks]),
        snapshots={step: together([descent.snapshots[step] for descent in stacks]) for step in sorted(task.snapshots)},
        history=merged([descent.records for descent in stacks]),
        diverged=tuple(step for descent in stacks for step in descent.diverged),
        stopped=tuple(step for descent in stacks for step in descent.stopped),
        zero_loss=float(task.targets.to(torch.float64).square().mean()),
        division=division,
    )


def _rehearse(task: Task, members: tuple[int, ...], start: Weights, division: Division) -> None:
    """Do once, with one member, all that comes after the last step, so that nothing there can lose a training.

    Raises:
        ValueError: the network cannot be trained, or what came of it could not be told.
    """
    one = _of_members(start, range(1))
    alone = replace(task, recipe=replace(task.recipe, steps=0), snapshots={0}, block=1)
    descent = Descent.start(one)
    try:
        with arithmetic(task.recipe.precision, task.inputs.device), torch.enable_grad():
            stack = WAYS[task.way](task.network, one, task.inputs, task.targets)
            torch.autograd.grad(stack.losses().sum(), list(stack.leaves.values()))
        descend(alone, descent, lambda step, losses: None)
        ensemble = _ensemble(alone, members[:1], one, [descent], Division(division.way, (1,)))
        ensemble.predict(task.inputs)
        ensemble.member(0)
    except Exception as error:
        raise ValueError(
            f"make_model must return a network that can be trained, predict and be copied: {first_line(error)}"
        ) from error


def _watched(
    network: nn.Module, watch: Any, inputs: Any, targets: Tensor, dtype: torch.dtype, device: torch.device
) -> Watched:
    """What to watch, checked; says which measurements there will be none of."""
    images = real_tensor("watch", watch, input_shapes(network))
    say_if_bytes("watch", images)
    same_kind(inputs=inputs, watch=watch, same_dtype=False)
    images = converted("watch", images if images.ndim in (2, 4) else images[None], dtype, device)
    check_fit(network, images[:2], "watch")
    with torch.no_grad():
        answer = tuple(network(images[:1].clone()).shape[1:])
    for name, sizes, what in (
        ("with_input", images, "the images themselves are"),
        ("with_training_image", targets, "the images trained on are"),
    ):
        if answer != tuple(sizes.shape[1:]):
            warnings.warn(
                f"history.{name} will be None: watched images are answered with shape {answer}, and {what} of shape "
                f"{tuple(sizes.shape[1:])}",
                stacklevel=3,
            )
    return Watched(network, images, targets)


def _check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    members = tuple(seed_number("seeds", seed) for seed in integers("seeds", seeds))
    if not members:
        raise ValueError("seeds must name at least one seed, got none")
    if twice := [seed for seed, times in Counter(members).items() if times > 1]:
        raise ValueError(f"seeds must be different, one for each network, got {twice[0]} more than once")
    return members


def _device(device: torch.device | str | None, inputs: Any) -> torch.device:
    if device is None:
        return inputs.device if isinstance(inputs, Tensor) else torch.device("cpu")
    try:
        place = torch.device(device)
        torch.zeros(1, device=place).item()  # which a device without memory of its own ("meta") cannot tell
    except (RuntimeError, AssertionError, TypeError) as error:  # torch without CUDA asserts
        raise ValueError(f"device must be one that torch can use here, got {device!r}: {first_line(error)}") from None
    return place


def _examples(
    network: nn.Module, inputs: Any, targets: Any, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Checked inputs and targets with their batch axis."""
    shapes = input_shapes(network)
    x = real_tensor("inputs", inputs, shapes)
    y = x if targets is None else tensor_of("targets", targets)
    same_kind(inputs=inputs, targets=targets)
    say_if_bytes("inputs", x)
    batched = x.ndim in (2, 4)
    if not batched:
        x, y = x[None], y[None]
    x = converted("inputs", x, dtype, device)
    expected = check_fit(network, x)
    check_trainable(network, x)
    if y.shape != expected:
        got, want = (tuple(shape if batched else shape[1:]) for shape in (y.shape, expected))
        if targets is None:
            raise ValueError(
                f"targets must be given: the network turns inputs of shape {got} into outputs of shape {want}, "
                "so that it cannot reproduce them"
            )
        raise ValueError(f"targets must have the shape of the network's outputs, {want}, got {got}")
    if targets is None:
        return x, x
    say_if_bytes("targets", y)
    return x, converted("targets", finite("targets", y), dtype, device)

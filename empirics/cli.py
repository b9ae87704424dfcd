"""`python -m empirics`: train networks and draw images from the command line."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import empirics
from empirics.arguments import choice
from empirics.images.by_name import NAMES
from empirics.images.published import SOURCES
from empirics.names import ACTIVATIONS, NETWORKS, OPTIMIZERS, PRECISIONS, SCHEMES
from empirics.networks.window import PADDING_MODES
from files import (
    READ,
    Interrupted,
    contact_sheet,
    duration,
    image_bytes,
    npy_bytes,
    output_folder,
    png_bytes,
    read_image,
    run_command_line,
    write_together,
)
from files import progress as progress_on_stderr

# What needs torch is imported by the commands that need it: to tell what there is takes no seconds.
if TYPE_CHECKING:
    import numpy as np

    from empirics.experiment import Measured
    from empirics.sweeps.spec import Spec

app = typer.Typer(
    help="Train real networks on one image, and see what they make of others.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
NO_MEMORY = ("can't allocate memory", "Storage size calculation overflowed")  # torch's words, on a CPU
# Options that not every network has, and which do.
SOME_NETWORKS = {
    "depth": ("fcn", "cnn"),
    "width": ("fcn",),
    "channels": ("cnn",),
    "kernel_size": ("cnn", "lcn"),
    "padding_mode": ("cnn", "lcn"),
    "activation": ("fcn", "cnn"),
    "residual": ("fcn",),
}


def one_of(names: Iterable[str]) -> str:
    """The names as the help text tells them."""
    return f"one of {', '.join(names)}"


@app.command()
def train(
    image: Annotated[
        Path | None, typer.Option(help=f"Image to train on, {READ}. None: an embedded digit, see --digit.")
    ] = None,
    digit: Annotated[int, typer.Option(min=0, max=9, help="Which embedded digit to train on without --image.")] = 7,
    input: Annotated[
        list[Path] | None, typer.Option(help=f"Image to predict besides digits and patterns, {READ}; repeatable.")
    ] = None,
    network: Annotated[str, typer.Option(help=f"How layers are connected: {one_of(NETWORKS)}.")] = "cnn",
    depth: Annotated[int | None, typer.Option(min=1, help="Weight layers of fcn and cnn. None: 1.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Units of an fcn's hidden layers. None: 2048.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="Channels of a cnn's hidden layers. None: 128.")] = None,
    kernel_size: Annotated[
        str | None, typer.Option(help="Taps of the kernels of cnn and lcn: 5, or 3x5 (high by wide). None: 5.")
    ] = None,
    padding_mode: Annotated[
        str | None,
        typer.Option(help=f"What lies beyond the edge, for cnn and lcn: {one_of(PADDING_MODES)}. None: zeros."),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help=f"What stands between layers of fcn and cnn: {one_of(ACTIVATIONS)}. None: relu.")
    ] = None,
    residual: Annotated[bool, typer.Option("--residual", help="Skips over every two hidden layers of an fcn.")] = False,
    bias: Annotated[bool, typer.Option("--bias", help="Layers with biases.")] = False,
    scheme: Annotated[str, typer.Option(help=f"Distribution of the initial weights: {one_of(SCHEMES)}.")] = "default",
    optimizer: Annotated[str, typer.Option(help=f"As in torch.optim: {one_of(OPTIMIZERS)}.")] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate; times 0.2 at 30, 60 and 80 % of the steps. None: 0.01 of sgd and adagrad, else 0.001."
        ),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(help="β of sgd and rmsprop, β₁ of adam and adamax. None: 0.9, rmsprop 0.")
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Steps to take.")] = 1000,
    stop_loss: Annotated[
        float | None, typer.Option(help="Loss at which a network stops changing. None: never.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many networks to train: from seeds 0, 1, 2 and so on.")] = 4,
    precision: Annotated[str, typer.Option(help=f"Of weights and arithmetic: {one_of(PRECISIONS)}.")] = "float32",
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1 and so on.")] = "cpu",
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Folder to keep the training in; killed, the same command goes on from there. None: not kept."
        ),
    ] = None,
    checkpoint_seconds: Annotated[float, typer.Option(min=0.1, help="Time between two checkpoints.")] = 60,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("out/train"),
) -> None:
    """Train networks to reproduce one image, and write their weights and what they make of other images."""
    from empirics.experiment import run, standard_inputs, write_results

    choice("--network", network, NETWORKS)
    choice("--scheme", scheme, SCHEMES)
    recipe = empirics.Recipe(
        optimizer=optimizer,
        lr=cast(float, lr),
        momentum=momentum,
        steps=steps,
        stop_loss=stop_loss,
        precision=precision,
        scheme=scheme,
    )
    x = read_image(image) if image is not None else empirics.images("digits").as_float()[20 * digit]
    settings = {
        "depth": depth,
        "width": width,
        "channels": channels,
        "kernel_size": None if kernel_size is None else _kernel(kernel_size),
        "padding_mode": padding_mode,
        "activation": activation,
        "residual": residual or None,
    }
    make_model = _maker(network, x.shape, {name: value for name, value in settings.items() if value is not None}, bias)
    inputs = standard_inputs(x.shape)
    for number, path in enumerate(input or []):
        inputs[f"input{number}-{path.stem}"] = read_image(path)[None]
        _check_input(path, inputs[f"input{number}-{path.stem}"].shape[1:], x.shape, any_size=network == "cnn")
    kept = nullcontext() if checkpoint is None else output_folder("--checkpoint", checkpoint)
    try:
        with output_folder("--out", out), kept:  # impossible ones are better found out before training
            ensemble, measured = run(
                make_model,
                x,
                inputs,
                flat=network == "fcn",
                recipe=recipe,
                seeds=range(seeds),
                device=device,
                checkpoint=checkpoint,
                checkpoint_every=timedelta(seconds=checkpoint_seconds),
                progress=progress,
            )
            write_results(out, ensemble, measured)
    except KeyboardInterrupt:
        if checkpoint is not None and any(checkpoint.glob("stack-*.json")):
            said = f"the last checkpoint is in {checkpoint}; the same command goes on from there"
        else:
            said = "nothing is kept; with --checkpoint FOLDER it would be, and the same command would go on from there"
        raise Interrupted(said) from None
    _print_summary(ensemble, measured)
    print(f"wrote weights, metrics.json, and predictions (PNG and NPY) to {out}")
    if failure := _failure(ensemble):
        print(failure, file=sys.stderr)
        raise typer.Exit(1)


def _failure(ensemble: empirics.TrainedEnsemble) -> str | None:
    """What to change, where every network diverged or learned nothing."""
    recipe = ensemble.recipe
    adam = "" if recipe.optimizer == "adam" else ", or --optimizer adam, which seldom needs one found"
    if all(step is not None for step in ensemble.diverged):
        return f"every network diverged: give a smaller --lr than {recipe.lr:g}{adam}"
    if recipe.steps and not any(ensemble.learned):
        return (
            f"no network does 1 % better than answering black, which has a loss of {ensemble.zero_loss:.3g}: "
            f"give another --lr than {recipe.lr:g}{adam}, or more --steps than {recipe.steps}"
        )
    return None


def _maker(
    network: str, shape: tuple[int, int, int], settings: dict[str, Any], bias: bool
) -> Callable[[], empirics.FCN | empirics.CNN | empirics.LCN]:
    """A function that makes the network for images (C, H, W) from the given settings; others are refused."""
    for name in settings:
        if network not in SOME_NETWORKS[name] and (name, settings[name]) != ("depth", 1):
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must go with --network {' or '.join(SOME_NETWORKS[name])}, got {network}")
    depth = settings.pop("depth", 1)
    if network == "lcn":
        return partial(empirics.LCN, shape[0], shape[1:], **{"kernel_size": 5, **settings}, bias=bias)
    if network == "fcn":
        return partial(empirics.FCN, math.prod(shape), depth, **settings, bias=bias)
    return partial(empirics.CNN, shape[0], depth, **settings, bias=bias)


@app.command()
def images(
    name: Annotated[str, typer.Argument(help=f"Which set: {one_of(NAMES)}.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("out/images"),
    split: Annotated[
        str, typer.Option(help="'train' or 'test'; embedded and generated sets have only 'train'.")
    ] = "train",
    count: Annotated[int | None, typer.Option(help="How many, drawn at random. None: all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of that draw, and of the noise among the patterns.")] = 0,
    size: Annotated[int | None, typer.Option(min=1, help="Height and width in pixels. None: their own.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help=f"Folder with the files of {one_of(SOURCES)}. None: fetched once, into a cache.")
    ] = None,
) -> None:
    """Write a set of images: NAME-000.png and so on, NAME.png (all in one), NAME.npy ((n, C, H, W), in [0, 1])."""
    import numpy as np

    found = empirics.images(name, split=split, count=count, seed=seed, size=size, data_dir=data_dir)
    pixels = found.as_float()
    columns = min(20, len(found))
    # The last row is filled up with black cells.
    cells = np.zeros((-(-len(found) // columns) * columns, *pixels.shape[1:]))
    cells[: len(found)] = pixels

    def contents() -> Iterator[tuple[Path, bytes]]:
        for index in range(len(found)):
            yield out / f"{name}-{index:03}.png", image_bytes(pixels[index])
        yield out / f"{name}.png", png_bytes(contact_sheet(cells.reshape(-1, columns, *cells.shape[1:])))
        yield out / f"{name}.npy", npy_bytes(pixels)

    with output_folder("--out", out):
        write_together(contents())
    print(f"wrote {len(found)} images to {out} ({found.source})")


@app.command("sweep")
def sweep_(
    spec: Annotated[Path, typer.Argument(help="TOML file: the grid of settings, see empirics.read_spec.")],
    out: Annotated[Path, typer.Option(help="Folder for the results, which all workers see.")] = Path("out/sweep"),
    workers: Annotated[int, typer.Option(min=1, help="Processes of this machine; 1 for this one.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask cluster's scheduler, tcp://HOST:PORT, instead of processes of its own.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where workers train: cpu, cuda and so on.")] = "cpu",
    data_dir: Annotated[
        Path | None, typer.Option(help=f"Folder with the files of {one_of(SOURCES)}. None: fetched once, into a cache.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be trained, and estimate how long it takes here.")
    ] = False,
) -> None:
    """Train every combination of a grid of settings; what is finished is skipped. Writes results.parquet."""
    from empirics.sweeps.spec import read_spec
    from empirics.sweeps.sweep import sweep
    from empirics.sweeps.workers import InProcess, dask_cluster, processes

    if scheduler is not None and workers > 1:
        raise ValueError("--workers must be left out with --scheduler, whose cluster has workers of its own")
    found = read_spec(spec)
    if dry_run:
        _print_plan(found, out, workers, device, data_dir)
        return
    executor = dask_cluster(scheduler) if scheduler is not None else processes(workers) if workers > 1 else InProcess
    try:
        with output_folder("--out", out), progress_on_stderr("sweep") as tell:
            failed = sweep(
                found,
                out,
                executor=executor,
                device=device,
                data_dir=data_dir,
                report=lambda standing: tell(standing.share, str(standing)),
            )
    except KeyboardInterrupt:
        raise Interrupted(f"{_kept(found, out)}; the same command goes on from there") from None
    print(f"{_kept(found, out)}; wrote {out / 'results.parquet'}")
    if failed:
        raise ValueError("; ".join(_told(error, failed) for error in dict.fromkeys(failed.values())))


def _print_plan(spec: Spec, out: Path, workers: int, device: str, data_dir: Path | None) -> None:
    """What a sweep would train, and how long that would take; the settings that differ stand in columns."""
    import torch

    from empirics.sweeps.begun import progress_of
    from empirics.sweeps.estimate import seconds_of
    from empirics.sweeps.results import settings_of
    from empirics.sweeps.sweep import left_to_train

    todo = left_to_train(spec, out)
    groups = [group for group, _ in todo]
    if workers > 1:
        torch.set_num_threads(1)  # as each of them has
    seconds = seconds_of(groups, device=device, data_dir=data_dir)
    for index, group in enumerate(groups):
        if progress := progress_of(out, group):  # what the last start came to
            seconds[index] *= 1 - progress.done / max(progress.steps, 1)
    settings = [settings_of(group.runs[0]) for group in groups]
    columns = [name for name in (settings or [{}])[0] if len({repr(each[name]) for each in settings}) > 1]
    table = Table(*columns, "runs", "estimated")
    for each, (_, runs), time_of_group in zip(settings, todo, seconds, strict=True):
        said = ["" if each[name] is None else str(each[name]) for name in columns]
        table.add_row(*said, str(runs), duration(time_of_group))
    if groups:
        Console().print(table)
    count, left = len(spec.runs), sum(runs for _, runs in todo)
    print(f"{left} of {count} runs would be trained, in {len(groups)} groups; {count - left} are finished")
    if groups:
        longest = max(max(seconds), sum(seconds) / workers)
        print(f"about {duration(longest)} with {workers} worker{'s' * (workers > 1)} of this machine")


def _kept(spec: Spec, out: Path) -> str:
    from empirics.sweeps.results import finished

    done = sum(finished(out, run, spec.weights) for run in spec.runs)
    return f"{done} of {len(spec.runs)} runs are finished, in {out}"


def _told(error: str, failed: dict[str, str]) -> str:
    """Which groups of a sweep failed with an error, and what it says."""
    first, *others = [key for key, other in failed.items() if other == error]
    return f"group {first}{f' and {len(others)} more' if others else ''} failed: {error}"


def _kernel(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(f"--kernel-size must be a number of taps, such as 5, or two, such as 3x5, got {text!r}")
    return int(parts[0]), int(parts[-1])


def _check_input(path: Path, shape: Sequence[int], expected: Sequence[int], *, any_size: bool) -> None:
    """Refuse an input that the network cannot predict before it is trained, not after."""
    if tuple(shape) != tuple(expected) and not (any_size and shape[0] == expected[0]):
        what = f"{expected[0]} channels" if any_size else f"the training image's shape, {tuple(expected)}"
        raise ValueError(f"--input {path} must have {what}, got shape {tuple(shape)}")


def _print_summary(ensemble: empirics.TrainedEnsemble, measured: dict[str, Measured]) -> None:
    members = Table("seed", "loss")
    for seed, loss, step in zip(ensemble.seeds, ensemble.history.losses[:, -1], ensemble.diverged, strict=True):
        members.add_row(str(seed), f"{loss:.3g}" if step is None else f"diverged at step {step}")
    sets = Table("images", "correlation of predictions with their input", "and with the training image")
    for name, result in measured.items():
        sets.add_row(Text(name), _range(result.likeness.with_input), _range(result.likeness.with_training_image))
    sets.caption = "mean over the images; lowest and highest seed"
    console = Console()
    console.print(members, sets)


def _range(correlations: np.ndarray | None) -> str:
    if correlations is None:
        return "(sizes differ)"
    import numpy as np

    means = [np.mean(known) for row in correlations if len(known := row[np.isfinite(row)])]
    return f"{min(means):.3f} to {max(means):.3f}" if means else "(nothing to compare)"


def _out_of_memory(error: Exception) -> str | None:
    """A sentence for torch's ways of saying that memory is short."""
    torch = sys.modules.get("torch")  # without it, nothing of its is short
    if (torch and isinstance(error, torch.OutOfMemoryError)) or any(words in str(error) for words in NO_MEMORY):
        return f"these networks need more memory than there is: {str(error).splitlines()[0]}"
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake gets one sentence on stderr and exit code 2."""
    elsewhere = {"--init": "--scheme", "--train": "--image", "--output": "--out", "--learning-rate": "--lr"}
    run_command_line(app, "python -m empirics", arguments, explain=_out_of_memory, elsewhere=elsewhere)

"""What a sweep is to run: a grid of settings, read from TOML, each combination of them one network to train."""

import hashlib
import itertools
import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from empirics.arguments import boolean, choice, integer
from empirics.images.by_name import NAMES
from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.networks.initialization import SCHEMES
from empirics.training.recipe import Recipe

FORMAT = 1  # of a run's folder: raise it when the same settings would give other numbers
NETWORKS = ("cnn", "fcn")


@dataclass(frozen=True)
class Run:
    """One network to train, and all that decides what becomes of it.

    Attributes:
        network: "cnn" or "fcn".
        depth: number of weight layers.
        channels: of a cnn's hidden layers; without meaning for an fcn.
        width: of an fcn's hidden layers; without meaning for a cnn.
        kernel_size: of a cnn; without meaning for an fcn.
        residual: whether an fcn has skips.
        bias: whether layers have biases.
        dataset: name of the images, as `images` takes it.
        image_size: height and width in pixels; 0 for the images' own.
        first: index of the first training image.
        training_images: how many; see `sweep_images.chosen`.
        recipe: how it is trained, its scheme of initial weights included.
        seed: of its initial weights.
    """

    network: str = "cnn"
    depth: int = 1
    channels: int = 128
    width: int = 2048
    kernel_size: int = 5
    residual: bool = False
    bias: bool = False
    dataset: str = "digits"
    image_size: int = 0
    first: int = 140
    training_images: int = 1
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0

    def __post_init__(self) -> None:
        choice("network", self.network, NETWORKS)
        choice("dataset", self.dataset, NAMES)
        for name in ("depth", "channels", "width", "kernel_size", "training_images"):
            integer(name, getattr(self, name))
        for name in ("image_size", "first", "seed"):
            integer(name, getattr(self, name), least=0)
        for name in ("residual", "bias"):
            boolean(name, getattr(self, name))
        if self.residual and self.network != "fcn":
            raise ValueError("residual must go with network 'fcn', got 'cnn'")

    @property
    def key(self) -> str:
        """The name of its folder: a hash of all settings that have a meaning for it."""
        said = asdict(self)
        for name in meaningless(self.network, self.depth):
            del said[name]
        text = json.dumps({"format": FORMAT, **said}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def make_model(self, channels: int, height: int, width: int) -> Callable[[], nn.Module]:
        """A function that makes the network for images of this shape."""
        if self.network == "cnn":
            return partial(CNN, channels, self.depth, self.channels, self.kernel_size, bias=self.bias)
        entries = channels * height * width
        return partial(FCN, entries, self.depth, self.width, residual=self.residual, bias=self.bias)


def meaningless(network: str, depth: int) -> tuple[str, ...]:
    """The settings of a `Run` that mean nothing to such a network."""
    others = ("width", "residual") if network == "cnn" else ("channels", "kernel_size")
    hidden = ("channels",) if network == "cnn" else ("width",)
    return others + hidden if depth == 1 else others


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed only, trained together."""

    runs: tuple[Run, ...]

    @property
    def key(self) -> str:
        """A name for it: that of its first run, and how many they are."""
        return f"{self.runs[0].key}+{len(self.runs)}"


@dataclass(frozen=True)
class Spec:
    """A sweep.

    Attributes:
        runs: every network to train.
        stack: at most so many are trained together.
        weights: whether weights are kept.
    """

    runs: tuple[Run, ...]
    stack: int = 64
    weights: bool = False

    def groups(self, runs: tuple[Run, ...] | None = None) -> Iterator[Group]:
        """The runs (or some of them) in stacks."""
        alike: dict[Run, list[Run]] = {}
        for run in self.runs if runs is None else runs:
            alike.setdefault(replace(run, seed=0), []).append(run)
        for members in alike.values():
            for batch in _batched(members, self.stack):
                yield Group(batch)


def _batched(members: list[Run], size: int) -> Iterator[tuple[Run, ...]]:
    for start in range(0, len(members), size):
        yield tuple(members[start : start + size])


RUN_KEYS = {field.name for field in fields(Run)} - {"recipe", "seed"}
RECIPE_KEYS = {field.name for field in fields(Recipe)}
GRID_KEYS = RUN_KEYS | RECIPE_KEYS | {"seeds"}
SEQUENCES = {"decay_at"}  # settings that are sequences themselves: a list of them is a list of lists


def read_spec(path: Path | str) -> Spec:
    """Read a sweep from a TOML file.

    Every key of `Run` and `Recipe` may stand in the table [grid], with a value or a list of values; `scheme` is the
    recipe's `scheme`. `seeds` is how many networks each combination gets. Outside the table, `stack` and `weights`.
    Settings that go together only in part, such as a learning rate for each optimizer, take several tables, [[grid]].

        weights = false
        [grid]
        network = "cnn"
        depth = [1, 5, 10, 20]
        channels = 32
        scheme = ["default", "xavier_uniform"]
        bias = [true, false]
        optimizer = "adam"
        lr = 0.001
        steps = 2000
        seeds = 8

    Raises:
        OSError: the file cannot be read.
        TypeError: a value of the wrong type.
        ValueError: no TOML, a key that does not exist, or a value out of range; it names the key.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin with a byte order mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    if not given or given.get("grid") == []:
        raise ValueError(f"{path}: there is no table [grid], got an empty file or list")
    tables = given.pop("grid", {})
    grids = tables if isinstance(tables, list) else [tables]
    for grid in grids:
        if not isinstance(grid, dict):
            raise TypeError(f"{path}: grid must be a table, [grid], got {grid!r}")
    _refuse_unknown(path, given, {"stack", "weights"})
    stack = integer("stack", given.get("stack", 64))
    weights = boolean("weights", given.get("weights", False))
    runs: dict[str, Run] = {}
    for run in itertools.chain.from_iterable(_runs(path, grid) for grid in grids):
        runs.setdefault(run.key, run)  # a setting that means nothing to a network makes no other run of it
    return Spec(tuple(runs.values()), stack, weights)


def _runs(path: Path, grid: dict[str, Any]) -> list[Run]:
    """Each combination of a grid's settings, once for each seed."""
    _refuse_unknown(path, grid, GRID_KEYS, "grid.")
    seeds = integer("grid.seeds", grid.pop("seeds", 1))
    axes = {name: _values(path, name, value) for name, value in grid.items()}
    runs = []
    for values in itertools.product(*axes.values()):
        combination = dict(zip(axes, values, strict=True))
        try:
            run = _run(combination)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path}, {_said(combination)}: {error}") from None
        runs += [replace(run, seed=seed) for seed in range(seeds)]
    return runs


def _refuse_unknown(path: Path, given: dict[str, Any], known: set[str], prefix: str = "") -> None:
    for name in given:
        if not prefix and name in GRID_KEYS:
            raise ValueError(f"{path}: {name} must stand in the table [grid], got it outside")
        if name not in known:
            raise ValueError(f"{path}: there is no {prefix}{name}; there are {', '.join(sorted(known))}")


def _values(path: Path, name: str, value: Any) -> list[Any]:
    if name in SEQUENCES:
        value = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError(f"{path}: grid.{name} must have at least one value, got none")
    if len({repr(each) for each in values}) < len(values):
        raise ValueError(f"{path}: grid must not name a combination twice, as grid.{name} does by a repeated value")
    return values


def _run(combination: dict[str, Any]) -> Run:
    """The run of a combination, with seed 0, after making its network (without memory) to see that it can be made."""
    recipe = {name: value for name, value in combination.items() if name in RECIPE_KEYS}
    if "scheme" in recipe:
        recipe["scheme"] = choice("scheme", recipe["scheme"], SCHEMES)
    if isinstance(recipe.get("decay_at"), list):
        recipe["decay_at"] = tuple(recipe["decay_at"])
    run = Run(
        recipe=Recipe(**recipe), **{name: value for name, value in combination.items() if name not in RECIPE_KEYS}
    )
    with torch.device("meta"):
        run.make_model(1, 4, 4)()
    return run


def _said(combination: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in combination.items()) or "the defaults"

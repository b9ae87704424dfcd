"""All seeds trained together, against a plain loop over them and against torch's own way of stacking them.

torch's way is that of its tutorial on model ensembling: `torch.func.stack_module_state`, and `vmap` over the network's
forward. They run side by side, and all end at the same weights, to rounding.
"""

import argparse
import copy
import ctypes
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from empirics import CNN, FCN, LCN, Recipe, TrainedEnsemble, train

SECONDS = 1.0  # that the loop is to take at least: enough for what a run begins and ends with not to count
FEWEST = 30  # steps


def loop(make_model: Callable[[], nn.Module], start: dict[str, Tensor], images: Tensor, steps: int) -> list[Tensor]:
    """What one would write without this library: each member in turn; returns each one's weights in a row."""
    found = []
    for index in range(len(next(iter(start.values())))):
        network = make_model().to(images.dtype)
        network.load_state_dict({name: value[index] for name, value in start.items()})
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
        criterion = nn.MSELoss()
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(network(images), images).backward()
            optimizer.step()
        found.append(nn.utils.parameters_to_vector(network.parameters()).detach())
    return found


def stacked_by_torch(
    make_model: Callable[[], nn.Module], start: dict[str, Tensor], images: Tensor, steps: int
) -> list[Tensor]:
    """What torch's tutorial would write; returns each member's weights in a row."""
    networks = []
    for index in range(len(next(iter(start.values())))):
        network = make_model().to(images.dtype)
        network.load_state_dict({name: value[index] for name, value in start.items()})
        networks.append(network)
    weights, buffers = stack_module_state(networks)
    base = copy.deepcopy(networks[0]).to("meta")

    def loss(one: dict[str, Tensor], held: dict[str, Tensor]) -> Tensor:
        return nn.functional.mse_loss(functional_call(base, (one, held), (images,)), images)

    optimizer = torch.optim.SGD(weights.values(), lr=1e-3, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        vmap(loss)(weights, buffers).sum().backward()
        optimizer.step()
    return list(torch.cat([value.detach().flatten(1) for value in weights.values()], dim=1))


def keep_freed_memory() -> None:
    """Let both sides reuse their memory. Else glibc returns large arrays to the system or not, by chance, and what a
    step of large networks pays for new pages differs from run to run by more than the two sides do.
    """
    if sys.platform == "linux":
        mallopt = ctypes.CDLL(None).mallopt
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            mallopt(option, 2**30)


def seconds(function: Callable[[], object]) -> float:
    """Processor time: what the work costs, whatever else the machine is doing."""
    before = time.process_time()
    function()
    return time.process_time() - before


@dataclass(frozen=True)
class Comparison:
    """Seconds a step of all members, by the loop, by torch's stack and by `train`.

    How far apart they end, and how `train` divided them.
    """

    loop: float
    torch: float
    stacked: float
    apart: float
    division: str


def compare(make_model: Callable[[], nn.Module], images: Tensor, members: int, repeats: int) -> Comparison:
    """The fastest of several runs of each, in turn, without what a run of no steps takes."""
    precision = str(images.dtype).removeprefix("torch.")
    start: dict[str, Tensor] = {}

    def stacked(steps: int) -> TrainedEnsemble:
        recipe = Recipe(lr=1e-3, decay_at=(), steps=steps, precision=precision)
        return train(make_model, images, recipe=recipe, seeds=range(members), initial=start or None, progress=False)

    start |= stacked(0).initial_weights
    once = seconds(lambda: loop(make_model, start, images, 3)) / 3
    steps = max(FEWEST, min(200, round(SECONDS / once)))
    ensemble, alone = stacked(steps), loop(make_model, start, images, steps)
    together = [torch.cat([value[index].flatten() for value in ensemble.weights.values()]) for index in range(members)]
    mapped = stacked_by_torch(make_model, start, images, steps)
    apart = max(
        float((a - b).abs().max() / a.abs().max())
        for other in (together, mapped)
        for a, b in zip(alone, other, strict=True)
    )
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for count in (0, steps):
            for name, run in (
                ("loop", lambda n=count: loop(make_model, start, images, n)),
                ("torch", lambda n=count: stacked_by_torch(make_model, start, images, n)),
                ("stacked", lambda n=count: stacked(n)),
            ):
                times.setdefault((name, count), []).append(seconds(run))
    a_step = {name: (min(times[name, steps]) - min(times[name, 0])) / steps for name in ("loop", "torch", "stacked")}
    return Comparison(a_step["loop"], a_step["torch"], a_step["stacked"], apart, str(ensemble.division))


def cases(few: bool) -> list[tuple[str, Callable[[], nn.Module], tuple[int, ...], int]]:
    """Name, network, images and members: small networks of many seeds, and sizes from the least to beyond the cache."""
    found: list[tuple[str, Callable[[], nn.Module], tuple[int, ...], int]] = [
        ("FCN, 3 layers, width 64, 14×14", lambda: FCN(196, 3, 64), (1, 196), 64),
        ("CNN, 3 layers, 8 channels, 5×5, 14×14", lambda: CNN(1, 3, 8), (1, 1, 14, 14), 64),
        ("CNN, 3 layers, 8 channels, 3×3, 14×14", lambda: CNN(1, 3, 8, 3), (1, 1, 14, 14), 64),
    ]
    if few:
        return found
    for members, (size, width) in itertools.product((1, 8), ((64, 16), (784, 64), (784, 256), (784, 2048))):
        if members * width < 8 * 2048:
            found.append((f"FCN, 3 layers, width {width}", lambda s=size, w=width: FCN(s, 3, w), (1, size), members))
    sizes = ((7, 3, 3), (14, 8, 5), (28, 8, 5), (28, 32, 3), (28, 32, 5), (28, 128, 5))
    for members, (size, channels, k) in itertools.product((1, 2, 8), sizes):
        if members * channels < 8 * 128:
            name = f"CNN, 3 layers, {channels} channels, {k}×{k}, {size}×{size}"
            found.append((name, lambda c=channels, k=k: CNN(1, 3, c, k), (1, 1, size, size), members))
    for members, size in itertools.product((1, 64), (7, 28)):
        found.append((f"LCN, 5×5, {size}×{size}", lambda s=size: LCN(1, s), (1, 1, size, size), members))
        found.append((f"CNN, 1 layer, 5×5, {size}×{size}", lambda: CNN(1, 1), (1, 1, size, size), members))
        found.append((f"FCN, 1 layer, {size * size}", lambda s=size: FCN(s * s, 1), (1, size * size), members))
    found.append(("CNN, 3 layers, 8 channels, 5 images", lambda: CNN(1, 3, 8), (5, 1, 14, 14), 16))
    found.append(("FCN, 3 layers, width 64, 20 vectors", lambda: FCN(196, 3, 64), (20, 196), 16))
    found.append(("CNN, 20 layers, 128 channels, 3×3, 28×28", lambda: CNN(1, 20, 128, 3), (1, 1, 28, 28), 1))
    found.append(("CNN, 10 layers, 16 channels, 28×28", lambda: CNN(1, 10, 16), (1, 1, 28, 28), 8))
    return found


def main() -> None:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", action="store_true", help="only small networks with many seeds, in a minute")
    parser.add_argument("--precision", default="float64", choices=["float64", "float32"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="only cases with this in their name")
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    table = Table(
        "network", "members", "division", "loop", "torch.func", "stacked", "of loop", "of torch.func", "differ by"
    )
    generator = torch.Generator().manual_seed(0)
    for name, make_model, shape, members in cases(given.few):
        if given.only not in name:
            continue
        images = torch.rand(shape, dtype=getattr(torch, given.precision), generator=generator)
        found = compare(make_model, images, members, given.repeats)
        table.add_row(
            name,
            str(members),
            found.division,
            f"{found.loop / members * 1e6:,.0f} µs",
            f"{found.torch / members * 1e6:,.0f} µs",
            f"{found.stacked / members * 1e6:,.0f} µs",
            f"{found.loop / found.stacked:.2f}",
            f"{found.torch / found.stacked:.2f}",
            f"{found.apart:.0e}",
        )
    table.caption = f"processor time a member and step, one thread, {given.precision}; fastest of {given.repeats}"
    Console(width=140).print(table)


if __name__ == "__main__":
    main()

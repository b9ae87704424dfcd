"""On a GPU: stacks against the plain eager loop, and against the card's own rate of matrix products, in one run."""

import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from empirics import CNN, Recipe, train

BEFORE = 200  # steps of the shorter run


def seconds(function: Callable[[], object]) -> float:
    """How long something takes on the GPU."""
    torch.cuda.synchronize()
    begun = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def eager(make_model: Callable[[], nn.Module], images: Tensor, steps: int) -> float:
    """Seconds a step of the plain loop, one member; torch's defaults, which allow TF32 in convolutions."""
    network = make_model().cuda()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    criterion = nn.MSELoss()

    def run() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(network(images), images).backward()
            optimizer.step()

    run()
    return min(seconds(run) for _ in range(3)) / steps


def stacked(
    make_model: Callable[[], nn.Module], images: Tensor, members: int, precision: str, steps: int
) -> tuple[float, str]:
    """Seconds a step of all members, and how they were divided: from two lengths of run, so that starting cancels.

    Both are beyond the first steps, many of which are recorded: a long run hardly ever stops to be looked at.
    """
    divisions: list[str] = []

    def run(count: int) -> None:
        recipe = Recipe(lr=1e-3, decay_at=(), steps=count, precision=precision)
        ensemble = train(make_model, images, recipe=recipe, seeds=range(members), progress=False)
        divisions.append(str(ensemble.division))

    run(BEFORE)
    short = min(seconds(lambda: run(BEFORE)) for _ in range(2))
    long = min(seconds(lambda: run(BEFORE + steps)) for _ in range(2))
    return (long - short) / steps, " or ".join(dict.fromkeys(divisions))


def product_rate(precision: str, size: int = 8192) -> float:
    """Operations a second of one large matrix product."""
    matmul = torch.backends.cuda.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "tf32" if precision == "tf32" else "ieee"
    a, b = (torch.rand(size, size, device="cuda") for _ in range(2))

    def run() -> None:
        for _ in range(10):
            a @ b

    run()
    rate = 10 * 2 * size**3 / min(seconds(run) for _ in range(3))
    matmul.fp32_precision = before
    return rate


def main() -> None:
    """Print steps a second, ratios, and shares of the card's rate."""
    if not torch.cuda.is_available():
        print("there is no CUDA device here")
        return
    images = torch.rand(1, 1, 28, 28, device="cuda")
    table = Table(
        "network", "members", "precision", "division", "member-steps/s", "times the loop's", "of the matmul rate"
    )
    for depth, channels, counts in ((5, 32, (1, 64)), (20, 128, (1, 16, 64))):

        def make_model(depth: int = depth, channels: int = channels) -> nn.Module:
            return CNN(1, depth, channels)

        loop = eager(make_model, images, 50)
        # A weight of a convolution takes part in 2 · 28² operations forward, and as many for each of two gradients.
        operations = 3 * 2 * images.numel() * sum(parameter.numel() for parameter in make_model().parameters())
        for members in counts:
            for precision in ("float32", "tf32", "bfloat16"):
                each, division = stacked(make_model, images, members, precision, 300)
                rate = members / each
                share = rate * operations / product_rate("tf32" if precision == "tf32" else "float32")
                table.add_row(
                    f"CNN, {depth} layers, {channels} channels",
                    str(members),
                    precision,
                    division,
                    f"{rate:,.0f}",
                    f"{rate * loop:.1f}",
                    f"{share:.0%}" if precision != "bfloat16" else "",
                )
    table.caption = f"{torch.cuda.get_device_name()}, torch {torch.__version__}; eager loop with torch's defaults"
    Console(width=140).print(table)


if __name__ == "__main__":
    main()

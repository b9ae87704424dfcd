"""`python -m theory learning`: which examples of a data set will be learned first, and which last."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from files import embedded_digits, output_folder, pictures_in, read_image, write_atomically
from theory.optimizer import GradientDescent
from theory.schemes import SchemeName
from theory.wide import FullyConnected

if TYPE_CHECKING:
    from theory.learning import LearningLaw

ENDINGS = (".csv", ".json")


def learning(
    dataset: Annotated[
        str, typer.Option(help="'digits', or a folder that holds a folder of pictures for each class.")
    ] = "digits",
    labels: Annotated[
        Literal["real", "random"], typer.Option(help="The images' own labels, or the same ones dealt out by chance.")
    ] = "real",
    seed: Annotated[int, typer.Option(min=0, help="Seed of random labels.")] = 0,
    pool: Annotated[int, typer.Option(min=1, help="Average squares of so many pixels along each axis.")] = 2,
    depth: Annotated[int, typer.Option(min=1, help="Weight layers.")] = 2,
    width: Annotated[int, typer.Option(min=1, help="Units of each hidden layer.")] = 1024,
    activation: Annotated[str, typer.Option(help="Between layers: relu, leaky_relu, linear or erf.")] = "relu",
    scheme: Annotated[SchemeName, typer.Option(help="Distribution of the initial weights.")] = "default",
    bias: Annotated[bool, typer.Option(help="Whether layers have biases.")] = True,
    lr: Annotated[float | None, typer.Option(help="Learning rate. None: half of the largest stable one.")] = None,
    momentum: Annotated[float, typer.Option(help="Heavy-ball momentum, in [0, 1).")] = 0.0,
    steps: Annotated[str, typer.Option(help="Numbers of steps, separated by commas.")] = "4,16,64,256",
    show: Annotated[int, typer.Option(min=1, help="How many examples to print at either end.")] = 5,
    out: Annotated[Path | None, typer.Option(help="File for all examples, .csv or .json. None: none.")] = None,
) -> None:
    """Tell which examples will be learned first and which last, with nothing trained: how likely each is right when."""
    from theory.learning import learning_law  # SciPy is loaded only here

    if out is not None and out.suffix.lower() not in ENDINGS:
        raise ValueError(f"--out must be a file whose name ends in {' or '.join(ENDINGS)}, got {out}")
    numbers = sorted({_number(text) for text in steps.split(",")})
    names, images, own = _examples(dataset)
    inputs = _pooled(images, pool)
    known = own if labels == "real" else np.random.default_rng(seed).permutation(own)
    network = FullyConnected(
        depth, activation=activation, scheme=scheme, bias=bias, width=width, parameterization="standard"
    )
    law = learning_law(
        network, inputs, known, steps=0, optimizer=GradientDescent(1.0 if lr is None else lr, momentum=momentum)
    )
    limit = law.max_stable_lr(momentum)
    if lr is None:
        if limit == np.inf:
            raise ValueError("--lr must be given: all images are black, and any learning rate is stable")
        lr = limit / 2
    elif lr >= limit:
        print(f"gradient descent does not converge: --lr is {lr:g}, and at {limit:.4g} it is no longer stable")
    law = law.at(numbers, optimizer=GradientDescent(lr, momentum=momentum))
    size = "×".join(map(str, (images.shape[-2] // pool, images.shape[-1] // pool)))
    print(f"{len(inputs)} images of {size} pixels in {law.classes} classes, {labels} labels; learning rate {lr:.4g}")
    print(f"the first ten modes hold {float(np.sum(law.mode_energies[:10])):.3f} of the labels")
    console = Console()
    console.print(_course(law))
    for title, chosen in (("first", law.order[:show]), ("last", law.order[-show:])):
        print(f"learned {title}, and the probability of being right after so many steps:")
        console.print(_ranked(law, names, chosen))
    if out is not None:
        with output_folder("--out", out.parent):
            write_atomically(out, _table(law, names, out.suffix.lower()).encode())
        print(f"wrote all {len(inputs)} examples, the first learned first, to {out}")


def _number(text: str) -> int:
    if not (text.strip().isdecimal() and text.strip().isascii()):
        raise ValueError(f"--steps must be whole numbers separated by commas, got {text!r}")
    return int(text)


def _examples(name: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, images (n, C, H, W) in [0, 1] and labels."""
    if name == "digits":
        digits = embedded_digits() / 255
        return [f"{index // 20} (no. {index % 20})" for index in range(len(digits))], digits, np.arange(200) // 20
    folder = Path(name)
    if not folder.is_dir():
        raise ValueError(f"--dataset must be 'digits' or a folder with a folder for each class, got {name!r}")
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    if len(classes) < 2:
        raise ValueError(f"--dataset must hold a folder for each of two classes at least, got {len(classes)} in {name}")
    files = [(path, label) for label, each in enumerate(classes) for path in pictures_in("--dataset", each)]
    images = [read_image(path) for path, _ in files]
    for (path, _), image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise ValueError(
                f"--dataset must hold images of one shape, got {images[0].shape} in {files[0][0]} "
                f"and {image.shape} in {path}"
            )
    return [f"{path.parent.name}/{path.name}" for path, _ in files], np.stack(images), np.array([y for _, y in files])


def _pooled(images: np.ndarray, pool: int) -> np.ndarray:
    """Means over squares, flattened in C, H, W order."""
    n, channels, height, wide = images.shape
    if height % pool or wide % pool:
        raise ValueError(f"--pool must divide the images' height and width, {height}×{wide}, got {pool}")
    squares = images.reshape(n, channels, height // pool, pool, wide // pool, pool)
    return squares.mean(axis=(3, 5)).reshape(n, -1)


def _course(law: "LearningLaw") -> Table:
    """What becomes of all examples together."""
    table = Table("steps", "right", "mean squared error", "error rates of 100 networks vary")
    for t, accuracy, loss, more in zip(law.steps, law.accuracy, law.loss.mean, law.overdispersion(100), strict=True):
        table.add_row(str(t), f"{accuracy:.3f}", f"{loss:.4f}", f"{more:.1f} times as much as by chance")
    return table


def _ranked(law: "LearningLaw", names: list[str], chosen: np.ndarray) -> Table:
    table = Table("example", "label", *map(str, law.steps), "half after")
    for index in chosen:
        cells = [f"{p:.3f}" for p in law.probability[:, index]]
        table.add_row(Text(names[index]), str(law.labels[index]), *cells, _half(law, index))
    return table


def _half(law: "LearningLaw", index: int) -> str:
    """The first number of steps after which an example is more likely right than not."""
    return next((str(t) for t, p in zip(law.steps, law.probability[:, index], strict=True) if p >= 0.5), "later")


def _table(law: "LearningLaw", names: list[str], ending: str) -> str:
    """All examples, the first learned first."""
    rows = [
        {
            "example": names[index],
            "label": int(law.labels[index]),
            "ease": float(law.ease[index]),
            **{f"right_after_{t}": float(p) for t, p in zip(law.steps, law.probability[:, index], strict=True)},
        }
        for index in law.order
    ]
    if ending == ".json":
        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()

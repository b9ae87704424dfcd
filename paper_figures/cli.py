"""`python -m paper_figures`: draw the figures, each from data computed once and stored beside it."""

import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from paper_figures.figure_data import FigureData, write_atomically
from paper_figures.runs import Runs
from paper_figures.scale import SCALES

# Modules of this package, each with SETTINGS, compute(runs) and draw(data). The numbers are the paper's.
FIGURES = (
    "theorem1",
    "theorem2",
    "rank",
    "dynamics",
    "depth",
    "phase",
    "fig01_digit_set",
    "fig02_fcn_depth",
    "fig03_cnn_depth",
    "fig04_correlation",
    "fig05_layers",
    "fig06_test_sizes",
    "fig08_training_sizes",
    "fig09_kernel_sizes",
    "fig10_channels",
    "fig31_initializations",
    "fig38_several_examples",
    "fig41_residual",
    "fig42_natural",
    "optimizers",
)

app = typer.Typer(
    help="The figures: theory's prediction beside the trained network.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Out = Annotated[Path, typer.Option(help="Folder for the pictures (PNG and PDF), their data, captions and networks.")]
ScaleName = Annotated[str, typer.Option("--scale", help="quick (minutes on two cores) or paper (its sizes).")]
Device = Annotated[str | None, typer.Option(help="Where to train, as torch names it, e.g. cuda; the CPU if left out.")]


@app.command("list")
def list_() -> None:
    """List the figures and what each shows."""
    table = Table("figure", "shows")
    for name in FIGURES:
        table.add_row(name, (_module(name).__doc__ or "").splitlines()[0])
    Console().print(table)


@app.command()
def draw(
    names: Annotated[list[str], typer.Argument(help="Figures to draw, see `list`.")],
    out: Out = Path("out"),
    scale: ScaleName = "quick",
    device: Device = None,
) -> None:
    """Draw the named figures; what was computed or trained before with the same settings is used again."""
    for name in names:
        if name not in FIGURES:
            raise ValueError(f"unknown figure {name!r}; the figures are {', '.join(FIGURES)}")
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    runs = Runs(SCALES[scale], out / "runs", device)
    for name in track(names, description="figures", console=Console(stderr=True)):
        draw_one(name, out, runs)
    print(f"wrote {', '.join(f'{name}.png' for name in names)} (and .pdf, .txt, .safetensors) to {out}")


@app.command("all")
def all_(out: Out = Path("out"), scale: ScaleName = "quick", device: Device = None) -> None:
    """Draw every figure."""
    draw(list(FIGURES), out, scale, device)


def draw_one(name: str, out: Path, runs: Runs) -> None:
    """Compute a figure's data unless it is stored, and write picture, data and caption."""
    module = _module(name)
    path = out / f"{name}.safetensors"
    data = FigureData.load(path) if path.exists() else None
    if data is None or data.settings != runs.settings(module.SETTINGS):
        data = module.compute(runs)
        data.save(path)
    figure = module.draw(data)
    for suffix in ("png", "pdf"):
        picture = io.BytesIO()
        # A picture of the same data is the same file: no date inside.
        figure.savefig(picture, format=suffix, metadata={"CreationDate": None} if suffix == "pdf" else {})
        write_atomically(out / f"{name}.{suffix}", picture.getvalue())
    write_atomically(out / f"{name}.txt", f"{data.caption}\n".encode())


def _module(name: str):  # type: ignore[no-untyped-def]
    return import_module(f"paper_figures.{name}")


def main() -> None:
    """Run the command line; a user's mistake gets one sentence on stderr and exit code 2."""
    try:
        sys.exit(app(prog_name="python -m paper_figures", standalone_mode=False))
    except typer.Abort:
        message = "interrupted"
    except typer.TyperException as error:
        message = error.format_message()
    except (ValueError, TypeError, ArithmeticError, OSError) as error:
        message = str(error)
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)

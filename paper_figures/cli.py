"""`python -m paper_figures`: draw the figures, each from data computed once and stored beside it."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from files import Interrupted, did_you_mean, output_folder, progress, run_command_line, write_together
from paper_figures.catalogue import FIGURES, figure_module, shows
from paper_figures.figure_data import FigureData
from paper_figures.scale import SCALES
from paper_figures.workbench import PUBLISHED, Workbench


class Door(TyperGroup):
    """Commands; a figure's name is one too: `depth` stands for `draw depth`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put "draw" before what is no command."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["draw", *args])


app = typer.Typer(
    cls=Door,
    help="The figures: theory's prediction beside the trained network. A figure's name alone draws it.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Out = Annotated[Path, typer.Option(help="Folder for the pictures (PNG and PDF), their data, captions and networks.")]
ScaleName = Annotated[str, typer.Option("--scale", help="quick (minutes on two cores) or paper (its sizes).")]
Device = Annotated[str | None, typer.Option(help="Where to train, as torch names it, e.g. cuda; the CPU if left out.")]


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the files of mnist or cifar10, for figures 1, 5 and 42. None: embedded images instead."
    ),
]


@app.command("list")
def list_() -> None:
    """List the figures, their numbers in the paper, and what each shows."""
    table = Table("figure", "in the paper", "shows")
    for name, entry in FIGURES.items():
        table.add_row(name, ", ".join(map(str, entry.numbers)), shows(name))
    Console().print(table)


@app.command()
def draw(
    names: Annotated[list[str], typer.Argument(help="Figures, see `list`, by name or by number: 7, fig7 or fig07.")],
    out: Out = Path("out"),
    scale: ScaleName = "quick",
    device: Device = None,
    data_dir: DataDir = None,
) -> None:
    """Draw the named figures; what was computed or trained before with the same settings is used again."""
    chosen = list(dict.fromkeys(map(full_name, names)))
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}")
    bench = Workbench(SCALES[scale], out / "runs", device, data_dir)
    if data_dir is not None and all(bench.available(name, "digits") != name for name in PUBLISHED):
        raise ValueError(f"--data-dir must be a folder with the files of {' or '.join(PUBLISHED)}, got {data_dir}")
    try:
        # An impossible folder is better found out before training.
        with output_folder("--out", out), progress("figures") as tell:
            for number, name in enumerate(chosen):
                tell(number / len(chosen), f"{number} of {len(chosen)} drawn, now {name}")
                draw_one(name, out, bench)
    except KeyboardInterrupt:
        raise Interrupted(f"what is drawn and trained is kept in {out}; the same command goes on from there") from None
    print(f"wrote {', '.join(f'{name}.png' for name in chosen)} (and .pdf, .txt, .safetensors) to {out}")


@app.command("all")
def all_(out: Out = Path("out"), scale: ScaleName = "quick", device: Device = None, data_dir: DataDir = None) -> None:
    """Draw every figure."""
    draw(list(FIGURES), out, scale, device, data_dir)


def full_name(name: str) -> str:
    """The name of a figure that is given by its name, or by its number in the paper: 7, fig7 or fig07.

    Raises:
        ValueError: there is no such figure.
    """
    if name in FIGURES:
        return name
    number = name.removeprefix("fig")
    for known, entry in FIGURES.items():
        if number.isdecimal() and int(number) in entry.numbers:
            return known
    hint = did_you_mean(name, FIGURES) or f"the figures are {', '.join(FIGURES)}"
    raise ValueError(f"unknown figure {name!r}; {hint}")


def draw_one(name: str, out: Path, bench: Workbench) -> None:
    """Compute a figure's data unless it is stored, and write picture, data and caption."""
    from paper_figures.panels import house_style  # loads matplotlib

    module = figure_module(name)
    path = out / f"{name}.safetensors"
    data = stored(path)
    if data is None or data.settings != bench.settings(module.SETTINGS):
        data = module.compute(bench)
        data.save(path)
    figure = module.draw(data)
    contents = {f"{name}.txt": f"{data.caption}\n".encode()}
    for suffix in ("png", "pdf"):
        picture = io.BytesIO()
        with house_style():  # its resolution and fonts
            # A picture of the same data is the same file: no date inside.
            figure.savefig(picture, format=suffix, metadata={"CreationDate": None} if suffix == "pdf" else {})
        contents[f"{name}.{suffix}"] = picture.getvalue()
    write_together((out / file, content) for file, content in contents.items())


def stored(path: Path) -> FigureData | None:
    """A figure's stored data, if there is any; a damaged file is named on stderr, and as good as none."""
    try:
        return FigureData.load(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        print(f"{error}; computed anew", file=sys.stderr)
        return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake gets one sentence on stderr and exit code 2."""
    run_command_line(app, "python -m paper_figures", arguments)

"""`python -m theory`: predictions, ranks and derivations from the command line."""

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from files import (
    READ,
    contact_sheet,
    did_you_mean,
    embedded_digits,
    image_bytes,
    npy_bytes,
    output_folder,
    pictures_in,
    read_image,
    read_pixels,
    run_command_line,
    write_together,
)
from numerics import PatchRank, patch_rank
from numerics.window import PaddingMode
from theory.depth import ceilings, least_depth, reach
from theory.derivations import DERIVATIONS
from theory.learning_command import learning
from theory.networks import FullyConnected, Network
from theory.optimizer import GradientDescent, max_stable_lr
from theory.rank_table import rank_table
from theory.schemes import SchemeName, scheme_of
from theory.sliding_window import Convolutional, LocallyConnected
from theory.training import TrainedNetwork, gradient_descent, unpack

app = typer.Typer(
    help="What gradient descent must make of a one-layer network, computed and not trained.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
OVERVIEW = "predictions"
DIGIT = 70  # the first 2 after the first 1: any digit of the pack would do


KernelSize = Annotated[int, typer.Option(help="Taps of the square kernel along each axis.")]
Padding = Annotated[str, typer.Option(help="'same', 'valid', or a number of pixels on every side.")]
Mode = Annotated[PaddingMode, typer.Option(help="What padding holds.")]


@app.command()
def predict(
    train: Annotated[
        list[Path] | None, typer.Option(help=f"Training image, {READ}; repeatable. None: an embedded digit.")
    ] = None,
    input: Annotated[
        list[Path] | None, typer.Option(help=f"Image to predict, {READ}; repeatable. None: ten embedded digits.")
    ] = None,
    network: Annotated[
        Literal["fcn", "cnn", "lcn"], typer.Option(help="Fully, convolutionally or locally connected.")
    ] = "cnn",
    kernel_size: KernelSize = 5,
    padding: Padding = "same",
    padding_mode: Mode = "zeros",
    bias: Annotated[bool, typer.Option(help="Whether the layer has a bias.")] = False,
    scheme: Annotated[SchemeName, typer.Option(help="Distribution of the initial weights.")] = "kaiming_uniform",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the initial weights.")] = 0,
    steps: Annotated[
        int | None, typer.Option(min=0, help="Steps of gradient descent. None: until it has converged.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate, needed with --steps.")] = None,
    momentum: Annotated[float, typer.Option(help="Heavy-ball momentum, in [0, 1).")] = 0.9,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("out"),
) -> None:
    """Predict what a network trained to reproduce the training image outputs for other images."""
    training = _images(train, embedded_digits()[[DIGIT]])
    inputs = _named(input) if input else _one_of_each_class()
    net = _network(network, training, kernel_size, padding, padding_mode, bias)
    optimizer = None
    if steps is not None and lr is None:
        raise ValueError("--lr must be given with --steps: the learning rate decides how far training gets")
    if lr is not None:
        optimizer = GradientDescent(lr, momentum=momentum)
        limit = max_stable_lr(net, _as_inputs(net, training), momentum=momentum)
        if steps is not None and lr >= limit:
            print(f"gradient descent does not converge: --lr is {lr:g}, and at {limit:.4g} it is no longer stable")
    trained = gradient_descent(
        net,
        _as_inputs(net, training),
        initial=_initial(net, training, scheme, seed),
        steps=math.inf if steps is None else steps,
        optimizer=optimizer,
    )
    source = "--input" if input else "--input must be given, since the embedded"
    predictions = {name: _predicted(trained, net, f"{source} {name}", image) for name, image in inputs.items()}
    files = {f"{name}.npy": npy_bytes(prediction) for name, prediction in predictions.items()}
    files |= {f"{name}.png": image_bytes(prediction) for name, prediction in predictions.items()}
    files[f"{OVERVIEW}.png"] = _side_by_side(inputs, predictions)
    with output_folder("--out", out):
        write_together((out / name, content) for name, content in files.items())
    _report(trained, _shown(net, training, inputs), predictions)
    print(f"wrote {len(predictions)} predictions (PNG and NPY) and predictions.png to {out}")


@app.command()
def rank(
    image: Annotated[Path | None, typer.Argument(help=f"Image, {READ}. None: an embedded digit.")] = None,
    kernel_size: Annotated[str, typer.Option(help="Taps along each axis; several separated by commas.")] = "5",
    dataset: Annotated[
        str | None,
        typer.Option(help="'digits', or a folder of pictures: tabulate all, each as the single training image."),
    ] = None,
    method: Annotated[
        Literal["exact", "svd"], typer.Option(help="By integer arithmetic, for 8-bit pixels, or by singular values.")
    ] = "exact",
    padding: Padding = "same",
    padding_mode: Mode = "zeros",
) -> None:
    """Tell whether one image suffices to teach a one-layer convolution the identity: the rank of its patch matrix."""
    kernels = [_kernel(text) for text in kernel_size.split(",")]
    settings = {"padding": _padding(padding), "padding_mode": padding_mode, "method": method}
    if dataset is not None:
        if image is not None:
            raise ValueError("give an image or --dataset, not both")
        found, told = rank_table(_data_set(dataset), kernels, settings)
        Console().print(found)
        print(*told, sep="\n")
        return
    pixels = read_pixels(image) if image is not None else embedded_digits()[DIGIT]
    table = Table("kernel", "m/C (columns)", "rank", "deficiency", "gap", "one image teaches the identity")
    for kernel in kernels:
        result = patch_rank(pixels, kernel, **settings)
        table.add_row(
            f"{kernel}×{kernel}",
            str(result.columns),
            str(result.rank),
            str(result.deficiency),
            f"{result.gap:.1e}",
            _verdict(result),
        )
    Console().print(table)


@app.command()
def depth(
    image: Annotated[Path | None, typer.Argument(help=f"Training image, {READ}. None: an embedded digit.")] = None,
    input: Annotated[
        list[Path] | None, typer.Option(help=f"Image asked, of that size, {READ}; repeatable. None: all black.")
    ] = None,
    kernel_size: Annotated[str, typer.Option(help="Taps along each axis; several separated by commas.")] = "5",
    most: Annotated[int, typer.Option(min=1, help="The greatest depth in the table.")] = 20,
    padding_mode: Mode = "zeros",
    bias: Annotated[bool, typer.Option(help="Whether layers may have biases.")] = True,
) -> None:
    """Tell how deep a network must be to answer others with its training image, and how nearly it can with less."""
    x_hat = read_image(image) if image is not None else embedded_digits()[DIGIT] / 255
    inputs = _named(input) if input else {"black": np.zeros_like(x_hat)}
    for name, x in inputs.items():
        if x.shape != x_hat.shape:
            raise ValueError(f"--input {name} must have the training image's shape, {x_hat.shape}, got {x.shape}")
    for kernel in [_kernel(text) for text in kernel_size.split(",")]:
        least = least_depth(x_hat, kernel, padding_mode=padding_mode, bias=bias)
        found = ceilings(np.stack(list(inputs.values())), x_hat, most, kernel, padding_mode=padding_mode, bias=bias)
        correlations = [np.asarray(each.with_training_image) for each in found]
        table = Table("layers", "sees pixels", "sees the border")
        for name in inputs:
            table.add_column(Text(name))
        for layers, numbers in enumerate(correlations, 1):
            far = reach(layers, kernel)
            borders = _away(far.border) if padding_mode == "zeros" else "never"
            table.add_row(str(layers), _away(far.pixels), borders, *(f"{number:.3f}" for number in numbers))
            if all(np.array_equal(numbers, further) for further in correlations[layers:]):
                break  # the rest of the table would say the same
        print(f"{kernel}×{kernel} kernels: correlation of an answer with the training image, at most")
        Console().print(table)
        if least is None:
            print("the constant function is out of reach at any depth")
        else:
            print(f"the constant function takes {least} layer{'s' * (least > 1)}")


app.command()(learning)


@app.command()
def derive(
    name: Annotated[str, typer.Argument(help=f"Name of a derivation: {', '.join(DERIVATIONS)}.")],
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX to be included in a document.")] = False,
    pdf_ready: Annotated[bool, typer.Option("--pdf-ready", help="Print a whole LaTeX document.")] = False,
) -> None:
    """Derive a closed form, prove every step by machine, and print it."""
    from theory.derivations import derive as derivation_of  # SymPy is loaded only here

    if name not in DERIVATIONS and (close := did_you_mean(name, DERIVATIONS)):
        raise ValueError(f"unknown derivation {name!r}; {close}")
    derivation = derivation_of(name)
    derivation.check()
    print(derivation.to_latex(standalone=pdf_ready) if latex or pdf_ready else derivation)


def _away(sides: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """How far a network of square kernels sees, in pixels."""
    before, after = sides[0]
    return f"{before} away" if before == after else f"{before} before, {after} after"


def _predicted(trained: TrainedNetwork, network: Network, name: str, image: np.ndarray) -> np.ndarray:
    """What the trained network makes of an image, which is named where it does not fit."""
    try:
        return _as_image(trained(_as_inputs(network, image)), image)
    except ValueError as error:
        raise ValueError(f"{name}, an image of shape {image.shape}, does not fit: {error}") from None


def _named(paths: list[Path]) -> dict[str, np.ndarray]:
    """Images by their files' names, which those of the predictions will be."""
    names = [path.stem for path in paths]
    for name in names:
        if names.count(name) > 1 or name == OVERVIEW:
            raise ValueError(f"--input must be files of different names, and none {OVERVIEW}.png, got {name!r}")
    return {path.stem: read_image(path) for path in paths}


def _images(paths: list[Path] | None, default: np.ndarray) -> np.ndarray:
    if not paths:
        return default / 255
    images = [read_image(path) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            raise ValueError(
                f"training images must have one shape, got {images[0].shape} in {paths[0]} and {image.shape} in {path}"
            )
    return np.stack(images)


def _one_of_each_class() -> dict[str, np.ndarray]:
    return {f"digit-{label}": image / 255 for label, image in enumerate(embedded_digits()[10::20])}


def _network(name: str, training: np.ndarray, kernel_size: int, padding: str, padding_mode: str, bias: bool) -> Network:
    if name == "fcn":
        return FullyConnected(math.prod(training.shape[1:]), bias=bias)
    layer = Convolutional if name == "cnn" else LocallyConnected
    return layer(
        training.shape[1],
        kernel_size=kernel_size,
        padding=_padding(padding),
        padding_mode=padding_mode,
        bias=bias,
    )


def _padding(text: str) -> Any:
    return int(text) if text.lstrip("-").isdecimal() else text


def _kernel(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError(f"--kernel-size must be integers separated by commas, got {text!r}")
    return int(text)


def _initial(network: Network, training: np.ndarray, scheme: str, seed: int) -> Any:
    inputs = _as_inputs(network, training)
    columns = network.identity_parameters(inputs).shape[-1]
    law = scheme_of(scheme, network)
    variances = law.variances(columns, network.bias)
    shape = network.identity_parameters(inputs).shape
    weight, bias = unpack(network, inputs, law.draw(np.random.default_rng(seed), shape, variances))
    return weight if bias is None else (weight, bias)


def _as_inputs(network: Network, images: np.ndarray) -> np.ndarray:
    """Images flattened in C, H, W order for a fully connected network, with or without a batch axis."""
    return images if network.unit_axes == 3 else images.reshape(*images.shape[:-3], -1)


def _as_image(prediction: np.ndarray, image: np.ndarray) -> np.ndarray:
    return prediction.reshape(image.shape) if prediction.ndim == 1 else prediction


def _shown(network: Network, training: np.ndarray, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs as the identity outputs them: themselves, or with a border more or less where padding has it so."""
    x = _as_inputs(network, training)
    weight, bias = unpack(network, x, network.identity_parameters(x))
    identity = gradient_descent(network, x, initial=weight if bias is None else (weight, bias))  # where it starts
    return {name: _as_image(identity(_as_inputs(network, image)), image) for name, image in inputs.items()}


def _side_by_side(inputs: dict[str, np.ndarray], predictions: dict[str, np.ndarray]) -> bytes:
    """A PNG file of inputs above predictions; channels that are not colours stand side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.2 * len(inputs) + 0.8, 2.8), layout="constrained")
    axes = figure.subplots(2, len(inputs), squeeze=False)
    for column, name in enumerate(inputs):
        for row, image in enumerate((inputs[name], predictions[name])):
            axis = axes[row, column]
            axis.imshow(np.asarray(contact_sheet(image[None, None])), cmap="gray", vmin=0, vmax=255)
            axis.set_xticks([])
            axis.set_yticks([])
        # A file's name is no mathematics, and may hold bytes that are no text.
        axes[0, column].set_title(name.encode(errors="backslashreplace").decode(), fontsize=7, parse_math=False)
    for row, label in enumerate(("input", "prediction")):
        axes[row, 0].set_ylabel(label, fontsize=8)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for it
        figure.savefig(stream, dpi=150)
    return stream.getvalue()


def _report(trained: TrainedNetwork, shown: dict[str, np.ndarray], predictions: dict[str, np.ndarray]) -> None:
    ranks, deficiencies = np.asarray(trained.rank), np.asarray(trained.deficiency)
    whole = math.isinf(trained.steps) if isinstance(trained.steps, float) else False
    print(f"rank {_span(ranks)}, deficiency {_span(deficiencies)}")
    if (deficiencies == 0).all():
        identity = f"the identity{_border(trained.network)}"
        print(f"{identity} is learned" if whole else f"{identity} is what training converges to at a stable rate")
    else:
        print("the identity is not learned: the initial weights decide what the training image leaves open")
    table = Table("input", "root mean squared error against the input")
    for name, prediction in predictions.items():
        table.add_row(Text(name), f"{np.sqrt(np.mean((prediction - shown[name]) ** 2)):.3g}")
    Console().print(table)


def _border(network: Network) -> str:
    """What is true of the identity where outputs are larger or smaller than inputs; kernels and padding are square."""
    before, after = network.border
    if before == after == 0:
        return ""
    if before == after:
        return f" (with {_pixels(before)} at every edge)"
    return f" (with {_pixels(before)} above and on the left, {_pixels(after)} below and on the right)"


def _pixels(more: int) -> str:
    return f"{abs(more)} pixel{'s' * (abs(more) != 1)} {'fewer' if more < 0 else 'more'}"


def _span(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}, by output pixel"


def _data_set(name: str) -> dict[str, np.ndarray]:
    """Images by name, as they are stored."""
    if name == "digits":
        return {f"{index // 20} (no. {index % 20})": image for index, image in enumerate(embedded_digits())}
    if not Path(name).exists():
        raise ValueError(f"--dataset must be 'digits' or a folder of pictures, got {name!r}")
    return {path.name: read_pixels(path) for path in pictures_in("--dataset", Path(name))}


def _verdict(result: PatchRank) -> str:
    return "yes" if result.deficiency == 0 else f"no, {result.deficiency} directions are left to chance"


def _explain(error: Exception) -> str | None:
    """What to write, for images that stand without a word of what they are."""
    context = getattr(error, "ctx", None)
    if context is None or context.info_name != "predict" or "unexpected extra argument" not in str(error):
        return None
    return "which image is trained on and which are predicted must be said: --train MINE.png --input OTHER.png"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake gets one sentence on stderr and exit code 2."""
    elsewhere = {"--init": "--scheme", "--image": "--train", "--output": "--out", "--learning-rate": "--lr"}
    run_command_line(app, "python -m theory", arguments, explain=_explain, elsewhere=elsewhere)

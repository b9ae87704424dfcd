"""What training needs to know of a network's architecture: how to make it, what it takes, how to write it down."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from empirics.arrays import Shapes, check_readable
from empirics.networks.anatomy import anatomy
from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.networks.locally_connected import LCN
from empirics.networks.weight_layers import WeightLayer, wanted, weight_layers

TAKEN = "make_model must be a function without arguments that returns a new nn.Module, e.g. lambda: FCN(784, depth=1)"
AT_RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)
NETWORKS: dict[str, type[FCN] | type[CNN] | type[LCN]] = {"FCN": FCN, "CNN": CNN, "LCN": LCN}
IMAGES, VECTORS = {4: "(n, C, H, W)", 3: "(C, H, W)"}, {2: "(n, d)", 1: "(d,)"}
FEW_CHANNELS = 4  # at most so many has a picture: grey, red, green and blue, and how opaque it is


def new_network(make_model: Callable[[], nn.Module]) -> nn.Module:
    """One network of the architecture, made without moving torch's global random state. It is a copy of the caller's.

    Raises:
        TypeError: `make_model` is not a function that returns an nn.Module, or one whose tensors are not there yet.
        ValueError: the module has no parameters, or frozen ones, draws random numbers (dropout), counts what it has
            seen (batch normalization), or cannot be copied.
    """
    if isinstance(make_model, nn.Module) or not callable(make_model):
        raise TypeError(f"{TAKEN}, got {type(make_model).__name__}")
    if _needs_arguments(make_model):
        raise TypeError(f"{TAKEN}, got {getattr(make_model, '__name__', make_model)}, which takes arguments")
    with torch.random.fork_rng(devices=[]):
        network = make_model()
    if not isinstance(network, nn.Module):
        raise TypeError(f"make_model must return an nn.Module, got {type(network).__name__}")
    if not list(network.parameters()):
        raise ValueError("make_model must return a network with parameters, got one without")
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        check_readable(f"{name} of make_model's network", tensor)
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            raise ValueError(f"make_model must return a network of which all is trained, got one with {name} frozen")
        if parameter.is_complex():
            raise TypeError(f"make_model must return a network of real numbers, got {name} of {parameter.dtype}")
    for layer in network.modules():
        at_random = isinstance(layer, AT_RANDOM) and getattr(layer, "p", 1) > 0
        if layer.training and (at_random or getattr(layer, "track_running_stats", False)):
            raise ValueError(
                "make_model must return a network that draws no random numbers and counts nothing, got one with "
                f"{type(layer).__name__}; in evaluation mode (.eval()) it does neither"
            )
    try:
        return copy.deepcopy(network)  # the caller may hold it, and what trains here changes its dtype and device
    except Exception as error:
        raise ValueError(
            f"make_model must return a network that copy.deepcopy can copy, for each member: {first_line(error)}"
        ) from error


def _needs_arguments(function: Callable[..., Any]) -> bool:
    try:
        parameters = signature(function).parameters.values()
    except ValueError:  # of some built-in functions nothing is known
        return False
    without_default = [parameter.kind for parameter in parameters if parameter.default is Parameter.empty]
    return any(kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for kind in without_default)


def outputs_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """What a network makes of inputs. It is given a copy, so that its operations in place leave them as they are."""
    outputs: Tensor = network(inputs.clone())
    return outputs


def input_shapes(network: nn.Module) -> Shapes:
    """The shapes of inputs that a network may take, in words. Of a network that is not ours its forward decides."""
    if type(network) is FCN:
        return VECTORS
    return IMAGES if type(network) in (CNN, LCN) else {**IMAGES, **VECTORS}


def check_fit(network: nn.Module, inputs: Tensor, name: str = "inputs") -> tuple[int, ...]:
    """The shape of a network's outputs for inputs with a batch axis, an argument of that name.

    Raises:
        TypeError: the network does not output one tensor.
        ValueError: its forward does not take the inputs, or it does not output one result for each.
    """
    with _applied_layers(network) as applied:
        try:
            with torch.no_grad():
                outputs = outputs_of(network, inputs)
        except Exception as error:
            raise ValueError(_why_not(name, inputs, applied, error)) from error
    if not isinstance(outputs, Tensor):
        raise TypeError(f"make_model must return a network that outputs one tensor, got {type(outputs).__name__}")
    if outputs.shape[:1] != inputs.shape[:1]:
        raise ValueError(
            f"make_model must return a network that outputs one result for each input, ({len(inputs)}, ...), "
            f"got {tuple(outputs.shape)}"
        )
    return tuple(outputs.shape)


Applied = list[tuple[WeightLayer, Tensor]]


@contextmanager
def _applied_layers(network: nn.Module) -> Iterator[Applied]:
    """While the block runs: the weight layers that a forward came to, in its order, and what each was given."""
    applied: Applied = []

    def note(layer: WeightLayer, given: tuple[Any, ...]) -> None:
        if given and isinstance(given[0], Tensor):
            applied.append((layer, given[0]))

    hooks = [layer.register_forward_pre_hook(note) for layer in weight_layers(network)]
    try:
        yield applied
    finally:
        for hook in hooks:
            hook.remove()


def _why_not(name: str, inputs: Tensor, applied: Applied, error: Exception) -> str:
    """Why a forward did not take inputs, as far as can be told from the last layer that it came to."""
    shape = tuple(inputs.shape)
    told = f"{name} of shape {shape} do not fit the network: {first_line(error)}"
    if applied:
        layer, given = applied[-1]
        taken, unit, got = wanted(layer, given)
        if got != taken and tuple(given.shape) == shape:
            told = f"{name} must have {taken} {unit} for this network, got {got}"
    if inputs.ndim == 4 and shape[3] <= FEW_CHANNELS < min(shape[1:3]):
        told += (
            f"; {shape[1:]} looks like (H, W, C), and (C, H, W) is taken: "
            f"numpy.moveaxis({name}, -1, -3) brings the channels to the front"
        )
    return told


def check_trainable(network: nn.Module, inputs: Tensor) -> None:
    """Check that a network uses all its parameters, that many of it can run as one, and that it answers the same twice.

    Raises:
        ValueError: a parameter without effect, outputs of another dtype than inputs, a forward that torch cannot map
            over weights, such as one with random numbers or with branches that depend on data, or one that changes what
            the network holds.
    """
    parameters = dict(network.named_parameters())
    before = _versions(network)
    try:
        with torch.enable_grad():
            first = outputs_of(network, inputs)
            gradients = torch.autograd.grad(first.sum(), list(parameters.values()), allow_unused=True)
            second = outputs_of(network, inputs).detach()
    except RuntimeError as error:
        raise ValueError(f"make_model must return a network with a gradient: {first_line(error)}") from None
    unused = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    if unused:
        raise ValueError(
            f"make_model must return a network that uses all its parameters, got one that does not use {unused[0]}"
        )
    if first.dtype != inputs.dtype:
        raise ValueError(f"make_model must return a network that outputs {inputs.dtype} for it, got {first.dtype}")
    member = {name: value.detach()[None] for name, value in parameters.items()}
    try:
        with torch.no_grad():
            vmap(lambda weights: outputs_of_member(network, weights, inputs))(member)
    except RuntimeError as error:
        raise ValueError(
            f"make_model must return a network that torch.func.vmap can run for many seeds: {first_line(error)}"
        ) from None
    changed = [name for name, version in _versions(network).items() if version != before.get(name)]
    # Some kernels sum in any order: two answers are the same where they agree to half of the digits.
    apart, largest = (first.detach() - second).abs().max(), second.abs().max()
    if changed or bool(apart > torch.finfo(inputs.dtype).eps ** 0.5 * largest):
        what = f"one whose forward changes {changed[0]}" if changed else "one whose outputs differ from call to call"
        raise ValueError(
            f"make_model must return a network that draws no random numbers and counts nothing, got {what}"
        )


def _versions(network: nn.Module) -> dict[str, tuple[int, int]]:
    """Which tensor each parameter and buffer is, and how often it was written to."""
    named = (*network.named_parameters(), *network.named_buffers())
    return {name: (id(tensor), tensor._version) for name, tensor in named}


def outputs_of_member(network: nn.Module, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """`outputs_of` a network with these weights in place of its own."""
    outputs: Tensor = functional_call(network, weights, (inputs.clone(),))
    return outputs


def first_line(error: BaseException) -> str:
    """The first line of an error's message; torch's can be long."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def describe(network: nn.Module) -> dict[str, Any] | None:
    """A network's class and settings, as JSON can hold them; None for one that they do not describe."""
    if not is_as_described(network):
        return None
    return {"class": type(network).__name__, "settings": network.settings()}  # type: ignore[operator]


def is_as_described(network: nn.Module) -> bool:
    """Whether a network is one of this package's, and all of it as its settings make it.

    Layers exchanged, hooks, and weights computed from others (weight normalization, pruning) make it another.
    """
    if type(network) not in NETWORKS.values():
        return False
    try:
        with torch.device("meta"):
            plain = type(network)(**network.settings())  # type: ignore[operator]
    except (TypeError, ValueError):  # of a setting that was changed afterwards
        return False
    return anatomy(plain.train(network.training)) == anatomy(network)


def rebuild(description: dict[str, Any] | None) -> nn.Module:
    """The network that `describe` described.

    Raises:
        ValueError: it was not described.
    """
    if description is None:
        raise ValueError(f"make_model must be given: the network is none of {', '.join(NETWORKS)}")
    with torch.random.fork_rng(devices=[]):
        return NETWORKS[description["class"]](**description["settings"])

"""What training needs to know of a network's architecture: how to make it, what it takes, how to write it down."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from empirics.networks.convolutional import CNN
from empirics.networks.fully_connected import FCN
from empirics.networks.locally_connected import LCN

TAKEN = "make_model must be a function without arguments that returns a new nn.Module, e.g. lambda: FCN(784, depth=1)"
AT_RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.RReLU)
NETWORKS: dict[str, type[FCN] | type[CNN] | type[LCN]] = {"FCN": FCN, "CNN": CNN, "LCN": LCN}


def new_network(make_model: Callable[[], nn.Module]) -> nn.Module:
    """One network of the architecture, made without moving torch's global random state.

    Raises:
        TypeError: `make_model` is not a function that returns an nn.Module.
        ValueError: the module has no parameters, or frozen ones, draws random numbers (dropout), or counts what it has
            seen (batch normalization).
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
    frozen = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    if frozen:
        raise ValueError(f"make_model must return a network of which all is trained, got one with {frozen[0]} frozen")
    for layer in network.modules():
        at_random = isinstance(layer, AT_RANDOM) and getattr(layer, "p", 1) > 0
        if layer.training and (at_random or getattr(layer, "track_running_stats", False)):
            raise ValueError(
                "make_model must return a network that draws no random numbers and counts nothing, got one with "
                f"{type(layer).__name__}; in evaluation mode (.eval()) it does neither"
            )
    return network


def _needs_arguments(function: Callable[..., Any]) -> bool:
    try:
        parameters = signature(function).parameters.values()
    except ValueError:  # of some built-in functions nothing is known
        return False
    without_default = [parameter.kind for parameter in parameters if parameter.default is Parameter.empty]
    return any(kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for kind in without_default)


def takes_images(network: nn.Module) -> bool:
    """Whether a network takes images (n, C, H, W), because it holds a convolution, or vectors (n, d)."""
    return any(isinstance(layer, nn.Conv2d | LCN) for layer in network.modules())


def input_shapes(network: nn.Module) -> tuple[str, str]:
    """The shapes of inputs that a network takes, in words."""
    return ("(n, C, H, W)", "(C, H, W)") if takes_images(network) else ("(n, d)", "(d,)")


def check_fit(network: nn.Module, inputs: Tensor, name: str = "inputs") -> tuple[int, ...]:
    """The shape of a network's outputs for inputs with a batch axis, an argument of that name.

    Raises:
        ValueError: the inputs do not fit the network.
    """
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | LCN)), None)
    if first is not None:
        takes, unit = (
            (first.in_features, "entries") if isinstance(first, nn.Linear) else (first.in_channels, "channels")
        )
        if inputs.shape[1] != takes:
            raise ValueError(f"{name} must have {takes} {unit} for this network, got {inputs.shape[1]}")
    try:
        with torch.no_grad():
            outputs = network(inputs)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{name} of shape {tuple(inputs.shape)} do not fit the network: {first_line(error)}") from None
    if not isinstance(outputs, Tensor):
        raise TypeError(f"make_model must return a network that outputs one tensor, got {type(outputs).__name__}")
    return tuple(outputs.shape)


def check_trainable(network: nn.Module, inputs: Tensor) -> None:
    """Check that a network uses all its parameters, and that many of it can run as one.

    Raises:
        ValueError: a parameter without effect, or a forward that torch cannot map over weights, such as one with random
            numbers or with branches that depend on data.
    """
    parameters = dict(network.named_parameters())
    try:
        with torch.enable_grad():
            gradients = torch.autograd.grad(network(inputs).sum(), list(parameters.values()), allow_unused=True)
    except RuntimeError as error:
        raise ValueError(f"make_model must return a network with a gradient: {first_line(error)}") from None
    unused = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    if unused:
        raise ValueError(
            f"make_model must return a network that uses all its parameters, got one that does not use {unused[0]}"
        )
    member = {name: value.detach()[None] for name, value in parameters.items()}
    try:
        with torch.no_grad():
            vmap(lambda weights: functional_call(network, weights, (inputs,)))(member)
    except RuntimeError as error:
        raise ValueError(
            f"make_model must return a network that torch.func.vmap can run for many seeds: {first_line(error)}"
        ) from None


def first_line(error: BaseException) -> str:
    """What an error says first; torch's go on for long."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def describe(network: nn.Module) -> dict[str, Any] | None:
    """A network's class and settings, as JSON can hold them; None for a class that is not of this package."""
    if type(network) not in NETWORKS.values():
        return None
    return {"class": type(network).__name__, "settings": network.settings()}  # type: ignore[operator]


def rebuild(description: dict[str, Any] | None) -> nn.Module:
    """The network that `describe` described.

    Raises:
        ValueError: it was not described.
    """
    if description is None:
        raise ValueError(f"make_model must be given: the network is none of {', '.join(NETWORKS)}")
    with torch.random.fork_rng(devices=[]):
        return NETWORKS[description["class"]](**description["settings"])

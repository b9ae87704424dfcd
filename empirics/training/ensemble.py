"""Trained networks: their weights, how they got there, and what they predict."""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from empirics.arguments import integer
from empirics.arrays import converted, real_tensor, say_if_bytes
from empirics.networks.architecture import check_fit, describe, input_shapes, new_network, rebuild
from empirics.training.history import History
from empirics.training.precision import arithmetic
from empirics.training.recipe import Recipe
from empirics.training.stack.members import Weights
from empirics.training.stack.size import Division
from empirics.training.stack.weights import forward_in_chunks
from empirics.training.storage import read_tensors, write_tensors


@dataclass(frozen=True, eq=False)
class TrainedEnsemble:
    """Networks of one architecture trained from several seeds. The seed axis comes first everywhere.

    Attributes:
        network: the architecture; its own parameters mean nothing.
        recipe: how the members were trained.
        seeds: of their initial weights.
        initial_weights: parameter name to (seeds, ...), where ... is the parameter's shape in torch.
        weights: after training, likewise.
        snapshots: step number to weights at that step.
        history: losses at log-spaced steps.
        diverged: per seed, the first step at which its loss (or, found at the end, a weight) was not finite; None for a
            member that converged or might. It keeps the weights it had then.
        stopped: per seed, the step at which its loss reached the recipe's `stop_loss`; None if it did not.
        zero_loss: the loss of a network that answers 0 to everything, the mean square of the targets.
        division: the stacks that they trained in, which moves the last bits.
    """

    network: nn.Module = field(repr=False)
    recipe: Recipe
    seeds: tuple[int, ...]
    initial_weights: Weights = field(repr=False)
    weights: Weights = field(repr=False)
    snapshots: dict[int, Weights] = field(repr=False)
    history: History = field(repr=False)
    diverged: tuple[int | None, ...]
    stopped: tuple[int | None, ...]
    zero_loss: float
    division: Division = field(repr=False)

    @property
    def learned(self) -> tuple[bool, ...]:
        """Per seed, whether the member does at least 1 % better than answering 0 to everything.

        A network whose units all died, for instance at too large a rate, has a finite loss and has learned nothing.
        """
        last = self.history.losses[:, -1].tolist()
        return tuple(
            step is None and loss <= 0.99 * self.zero_loss for step, loss in zip(self.diverged, last, strict=True)
        )

    def predict(self, inputs: Num[Any, "..."]) -> Float[Any, "seeds ..."]:
        """Return what every member outputs for new inputs.

        Args:
            inputs: images (n, C, H, W) or (C, H, W), or vectors (n, d) or (d,): what the network's forward takes, of
                any size that its kernels fit. NumPy or torch, of any real dtype.

        Returns:
            (seeds, n, C', H', W') or (seeds, n, d'), without n where the inputs have no batch axis; of the inputs' kind
            and device, in the recipe's precision. A diverged member's outputs are NaN.

        Warns:
            UserWarning: inputs of uint8, which are taken as they are.

        Raises:
            TypeError: inputs that are not a real array.
            ValueError: inputs that are empty, not finite, or do not fit the network.
        """
        x = real_tensor("inputs", inputs, input_shapes(self.network))
        say_if_bytes("inputs", x)
        place = next(iter(self.weights.values())).device
        batch = converted("inputs", x if x.ndim in (2, 4) else x[None], self.recipe.dtype, place)
        check_fit(self.network, batch[:2])
        with arithmetic(self.recipe.precision, place):
            predictions = forward_in_chunks(self.network, self.weights, batch).to(self.recipe.dtype)
        # Its last weights may be finite, but they are not those of a trained network.
        predictions[[step is not None for step in self.diverged]] = torch.nan
        if x.ndim not in (2, 4):
            predictions = predictions.squeeze(1)
        return predictions.to(x.device) if isinstance(inputs, Tensor) else predictions.cpu().numpy()

    def member(self, index: int) -> nn.Module:
        """Return one trained network as a module of its own.

        Args:
            index: its place among the seeds.

        Raises:
            TypeError: not an integer.
            ValueError: out of range.
        """
        if integer("index", index, least=0) >= len(self.seeds):
            raise ValueError(f"index must be below the number of seeds, {len(self.seeds)}, got {index}")
        module = copy.deepcopy(self.network)
        parameters = dict(module.named_parameters())
        with torch.no_grad():
            for name, value in self.weights.items():
                parameters[name].copy_(value[index])
        return module

    def save(self, folder: Path | str) -> None:
        """Write everything to a folder: ensemble.json, and a safetensors file that it names with its checksum.

        The folder holds the old ensemble or the new one at every moment, never a mixture.

        Raises:
            OSError: the folder cannot be written to.
        """
        tensors = {f"initial_weights/{name}": value for name, value in self.initial_weights.items()}
        tensors |= {f"weights/{name}": value for name, value in self.weights.items()}
        for step, weights in self.snapshots.items():
            tensors |= {f"snapshots/{step}/{name}": value for name, value in weights.items()}
        tensors |= {f"history/{name}": value for name, value in vars(self.history).items() if value is not None}
        facts = {
            "network": describe(self.network),
            "recipe": asdict(self.recipe),
            "seeds": self.seeds,
            "snapshots": list(self.snapshots),
            "diverged": self.diverged,
            "stopped": self.stopped,
            "zero_loss": self.zero_loss,
            # What moves the last bits: a run repeats itself where these are the same.
            "made_with": {"torch": torch.__version__, "threads": torch.get_num_threads()},
            "division": asdict(self.division),
        }
        write_tensors(Path(folder), "ensemble", tensors, facts)

    @classmethod
    def load(cls, folder: Path | str, make_model: Callable[[], nn.Module] | None = None) -> "TrainedEnsemble":
        """Read what `save` wrote, onto the CPU.

        Args:
            folder: as given to `save`.
            make_model: as given to `train`; needed only for architectures other than `FCN`, `CNN` and `LCN`.

        Raises:
            OSError: there is no ensemble in the folder.
            TypeError: `make_model` is no such function as `train` takes.
            ValueError: its files are damaged, its architecture is not known and `make_model` not given, or
                `make_model` returns another architecture, or one that `train` refuses.
        """
        tensors, facts = read_tensors(Path(folder), "ensemble")
        recipe = Recipe(**facts["recipe"])
        network = rebuild(facts["network"]) if make_model is None else new_network(make_model)

        def under(prefix: str) -> Weights:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        weights = under("weights/")
        if {name: value.shape for name, value in network.named_parameters()} != {
            name: value.shape[1:] for name, value in weights.items()
        }:
            raise ValueError(f"make_model must return the architecture saved in {folder}, got another")
        return cls(
            network=network.to(recipe.dtype),
            recipe=recipe,
            seeds=tuple(facts["seeds"]),
            initial_weights=under("initial_weights/"),
            weights=weights,
            snapshots={step: under(f"snapshots/{step}/") for step in facts["snapshots"]},
            history=History(**under("history/")),
            diverged=tuple(facts["diverged"]),
            stopped=tuple(facts["stopped"]),
            zero_loss=facts["zero_loss"],
            division=Division(facts["division"]["way"], tuple(facts["division"]["sizes"])),
        )

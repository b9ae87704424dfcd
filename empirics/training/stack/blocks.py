"""Many steps without a look at each: what a GPU needs, which would wait for every look.

A step is recorded once as a CUDA graph and then replayed, so that the processor starts one thing a step and not
hundreds. Losses are looked at after a block of steps. Where a member has stopped within it (its loss diverged, or
reached the recipe's `stop_loss`), the block is undone and repeated up to that step: each member ends where single
steps lead.
"""

from collections.abc import Callable

import torch
from torch import Tensor, optim

from empirics.training.stack.members import Stack

WARM_UP = 3  # steps before a graph is recorded, in which torch and cuBLAS allocate what they need


class Blocks:
    """Steps of a stack, taken in blocks.

    Args:
        stack: the members.
        optimizer: of the stack's leaves.
        longest: steps of a block at most.
        record: whether a step is recorded as a CUDA graph.
    """

    def __init__(self, stack: Stack, optimizer: optim.Optimizer, longest: int, *, record: bool) -> None:
        self.stack, self.optimizer, self.longest, self.record = stack, optimizer, longest, record
        self.leaves = list(stack.leaves.values())
        members, device = len(next(iter(stack.weights.values()))), self.leaves[0].device
        self.seen = torch.zeros((longest, members), dtype=self.leaves[0].dtype, device=device)
        self.row = torch.zeros(1, dtype=torch.int64, device=device)
        self.one: Callable[[], None] | None = None

    def rate_changed(self) -> None:
        """Forget the recorded step, which holds the old learning rate."""
        self.one = None

    def advance(self, step: int, until: int, stops: Callable[[Tensor], Tensor]) -> int:
        """Take steps; return the first step at which a member stops, or the last step of the block.

        Args:
            step: how many steps the members have taken; none has stopped.
            until: where to stop at the latest.
            stops: which of the losses make their member stop, entry by entry.
        """
        count = min(until - step, self.longest)
        before = self._everything()
        self._take(count, before)
        stopped = stops(self.seen[:count]).any(dim=1).nonzero().flatten()
        # The first row is the loss before the block, which has been looked at.
        early = [row for row in stopped.tolist() if row > 0]
        if not early:
            return step + count
        self._restore(before)
        self._take(early[0], before)
        return step + early[0]

    def _take(self, count: int, before: dict[tuple[int, str], Tensor]) -> None:
        if self.one is None:
            self.one = self._recorded(before) if self.record else self._step
        self.row.zero_()
        for _ in range(count):
            self.one()

    def _step(self) -> None:
        with torch.enable_grad():
            losses = self.stack.losses()
            total = losses.sum()  # each member's own gradient: its loss depends on its own weights alone
        self.seen.index_copy_(0, self.row, losses.detach().unsqueeze(0))
        self.row.add_(1)
        for leaf, gradient in zip(self.leaves, torch.autograd.grad(total, self.leaves), strict=True):
            leaf.grad = gradient.contiguous()  # fused kernels take its layout for granted
        self.optimizer.step()

    def _recorded(self, before: dict[tuple[int, str], Tensor]) -> Callable[[], None]:
        """One step as a CUDA graph; the weights are where they were."""
        with torch.cuda.device(self.row.device):  # streams are of the current device, which may be another
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self.row.zero_()
                    self._step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=side):
                self._step()
            self._restore(before)
        return graph.replay

    def _everything(self) -> dict[tuple[int, str], Tensor]:
        """Copies of the weights, and of what the optimizer remembers."""
        kept = {(index, ""): leaf.detach().clone() for index, leaf in enumerate(self.leaves)}
        for index, leaf in enumerate(self.leaves):
            for key, value in self.optimizer.state[leaf].items():
                if isinstance(value, Tensor):
                    kept[index, key] = value.clone()
        return kept

    def _restore(self, kept: dict[tuple[int, str], Tensor]) -> None:
        for index, leaf in enumerate(self.leaves):
            leaf.detach().copy_(kept[index, ""])
            for key, value in self.optimizer.state[leaf].items():
                if isinstance(value, Tensor):  # in place: a graph knows this memory
                    # Before the first step there is nothing to remember, which to every optimizer is zeros.
                    value.copy_(kept.get((index, key), torch.zeros_like(value)))

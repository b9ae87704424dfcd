"""The settings of a sliding window, as torch's convolutions understand them, checked."""

from dataclasses import dataclass
from typing import Any, TypedDict

from empirics.arguments import choice, integer_pair

PADDING_MODES = ("zeros", "circular", "reflect", "replicate")


class WindowSettings(TypedDict, total=False):
    """How a kernel slides, by the names and with the defaults of `torch.nn.Conv2d`, but for the padding.

    Attributes:
        stride: an integer or a pair, (down, across); 1.
        padding: "same" (stride 1), "valid", or pixels on both sides, an integer or a pair; "same".
        padding_mode: "zeros", "circular", "reflect" or "replicate"; "zeros".
        dilation: an integer or a pair, (down, across); 1.
    """

    stride: int | tuple[int, int]
    padding: str | int | tuple[int, int]
    padding_mode: str
    dilation: int | tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Where a kernel looks: its size, steps, spacing, and what lies beyond the image's edge.

    Attributes:
        kernel_size: (k_h, k_w).
        stride: (down, across).
        padding: "same", "valid", or pixels on both sides, (above and below, left and right).
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: (down, across).
    """

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: str | tuple[int, int]
    padding_mode: str
    dilation: tuple[int, int]

    @classmethod
    def of(
        cls, kernel_size: Any, *, stride: Any = 1, padding: Any = "same", padding_mode: Any = "zeros", dilation: Any = 1
    ) -> "Window":
        """A checked window.

        Raises:
            TypeError: a setting of the wrong type.
            ValueError: a setting out of range, or "same" padding with a stride.
        """
        window = cls(
            integer_pair("kernel_size", kernel_size),
            integer_pair("stride", stride),
            choice("padding", padding, ("same", "valid"))
            if isinstance(padding, str)
            else integer_pair("padding", padding, least=0),
            choice("padding_mode", padding_mode, PADDING_MODES),
            integer_pair("dilation", dilation),
        )
        if window.padding == "same" and window.stride != (1, 1):
            raise ValueError(f"stride must be 1 for padding='same', got {window.stride}")
        return window

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Pixels added (left, right, above, below): the order that `torch.nn.functional.pad` takes."""
        if self.padding == "valid":
            return (0, 0, 0, 0)
        if not isinstance(self.padding, str):
            down, across = self.padding
            return (across, across, down, down)
        # An even kernel has no middle; torch puts the odd pixel of "same" padding right and below.
        totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        (down, across) = totals
        return (across // 2, across - across // 2, down // 2, down - down // 2)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(H', W') of the output for images of (H, W).

        Raises:
            ValueError: the kernel is larger than the padded image.
        """
        left, right, above, below = self.edges
        padded = (height + above + below, width + left + right)
        spans = tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel_size, strict=True))
        if spans[0] > padded[0] or spans[1] > padded[1]:
            raise ValueError(
                f"the kernel spans {spans[0]}×{spans[1]} pixels, but the padded image has only {padded[0]}×{padded[1]}"
            )
        return (padded[0] - spans[0]) // self.stride[0] + 1, (padded[1] - spans[1]) // self.stride[1] + 1

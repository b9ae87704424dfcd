"""Deep linear convolutional networks: they cannot reach as far as what fully connected ones become.

A linear network with images as outputs is a matrix M from pixels to pixels. **Theorem.** M_pq = 0 where no path of L
taps leads from the output pixel p to the input pixel q: for an odd kernel k and padding with zeros, where |p − q|_∞ >
L(k − 1)/2. So the squared distance ‖M − Π‖² from Π = x̂x̂ᵀ/|x̂|², the projector on the training image that a fully
connected layer without noise becomes, is at least Σ (x̂_p x̂_q)²/|x̂|⁴ over those pairs; it can be 0 only if L(k −
1)/2 is as large as the distance of any two pixels of x̂ that are not black: 2(s − 1)/(k − 1) layers where these lie
on opposite sides of an s×s image.

*Proof.* M is a product of L matrices, each 0 but where a tap leads; entries that are 0 in M differ from Π's by these.
∎

Ours.
"""

from typing import Any

import array_api_compat
import numpy as np
from jaxtyping import Float, Num

from numerics.arguments import ONE_IMAGE, floating_dtype, image_array, positive_int, real_array, rounded
from numerics.window import Window
from theory.depth.classes import plain


def linear_floor(
    x_hat: Num[Any, "channels height width"],
    depth: int,
    kernel_size: Any,
    *,
    padding_mode: str = "zeros",
    dilation: Any = 1,
) -> Float[Any, ""]:
    """Return the least squared distance of a deep linear convolutional network from the projector on an image.

    ‖M − Π‖²_F is also the expected squared distance of M x from Π x for white noise x; that of 0 is ‖Π‖² = 1.

    Args:
        x_hat: the image, shape (C, H, W), not black.
        depth: number of convolutions, without biases, padded to the same size.
        kernel_size: k or (k_h, k_w), of every layer.
        padding_mode: "zeros", "circular", "reflect" or "replicate".
        dilation: as in `torch.nn.Conv2d`, an integer or a pair.

    Returns:
        A number in [0, 1], of x_hat's kind and floating dtype, without axes.

    Raises:
        TypeError: not a real array, or a setting of the wrong type.
        ValueError: empty, not finite, of the wrong rank or black, or settings that do not fit.

    Warns:
        UserWarning: `x_hat` looks like a picture with its channels last.

    Example:
        >>> import numpy as np
        >>> float(linear_floor(np.array([[[1.0, 0.0, 0.0, 1.0]]]), depth=2, kernel_size=(1, 3)))
        0.5

    Source: ours, the theorem at the head of this file.
    """
    x_hat = image_array("x_hat", real_array("x_hat", x_hat, ONE_IMAGE))
    depth = positive_int("depth", depth)
    window = Window.of(kernel_size, padding_mode=padding_mode, dilation=dilation)
    image = plain(x_hat)[0]
    largest = np.abs(image).max()
    if largest == 0:
        raise ValueError("x_hat must not be black: its projector is 0")
    shares = np.square(image / largest).sum(axis=0)
    shares = shares / shares.sum()
    down, across = (_paths(window, axis, side, depth) for axis, side in enumerate(shares.shape))
    # Pairs that no path joins: along the height, or else along the width.
    apart = shares * (~down @ shares.sum(axis=1))[:, None] + shares * (down @ shares @ ~across.T)
    xp = array_api_compat.array_namespace(x_hat)
    found = xp.asarray(np.minimum(apart.sum(), 1.0), device=array_api_compat.device(x_hat))
    return rounded("the distance", found, floating_dtype(x_hat))


def _paths(window: Window, axis: int, side: int, depth: int) -> np.ndarray:
    """Whether a path of `depth` taps leads from an output place to an input place, along an axis, (side, side)."""
    sources = window.sources(axis, side)
    step = np.zeros((side, side + 1), dtype=bool)
    step[np.arange(side)[:, None], sources] = True
    step = step[:, :side]  # nothing is seen in the padding
    # Powers of a boolean matrix by squaring.
    found, power = np.eye(side, dtype=bool), step
    while depth:
        if depth % 2:
            found = found @ power
        power, depth = power @ power, depth // 2
    return found

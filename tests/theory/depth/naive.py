"""Who sees what, by definition: each output pixel spelled out as all that its taps see, layer by layer."""

import numpy as np

NUMPY_PADDING = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}
NOTHING = "nothing"


def sights(image: np.ndarray, depth: int, kernel, *, stride=(1, 1), padding="same", padding_mode="zeros",
           dilation=(1, 1), bias=True, skips=False) -> np.ndarray:  # fmt: skip
    """All that each output pixel of an image (C, H, W) depends on, as nested tuples: (H', W'), of objects."""
    _, height, width = image.shape
    seen = np.empty((height, width), dtype=object)
    for i, j in np.ndindex(height, width):
        values = tuple(image[:, i, j].tolist())
        seen[i, j] = NOTHING if not any(values) else values
    for layer in range(depth):
        seen = _layer(seen, kernel, stride, padding, padding_mode, dilation, skips)
        for place in np.ndindex(seen.shape):
            # Without biases what sees only nothing is nothing; with them it is something else than the next padding.
            if set(_flat(seen[place])) == {NOTHING} and not bias:
                seen[place] = NOTHING
            elif bias:
                seen[place] = (layer, seen[place])
    return seen


def _layer(seen, kernel, stride, padding, padding_mode, dilation, skips) -> np.ndarray:
    index = np.arange(seen.size).reshape(seen.shape)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":
        pads = [(total // 2, total - total // 2) for total in reach]
    else:
        pads = [(0, 0), (0, 0)] if padding == "valid" else [(p, p) for p in padding]
    for size, pad in zip(seen.shape, map(max, pads), strict=True):
        if pad > {"circular": size, "reflect": size - 1}.get(padding_mode, pad):
            raise ValueError("padding repeats the image at most once, as in torch")
    fill = {"constant_values": -1} if padding_mode == "zeros" else {}
    index = np.pad(index, pads, mode=NUMPY_PADDING[padding_mode], **fill)
    tops = range(0, index.shape[0] - reach[0], stride[0])
    lefts = range(0, index.shape[1] - reach[1], stride[1])
    found = np.empty((len(tops), len(lefts)), dtype=object)
    for place in np.ndindex(found.shape):
        taps = []
        for a, b in np.ndindex(*kernel):
            pixel = index[tops[place[0]] + a * dilation[0], lefts[place[1]] + b * dilation[1]]
            taps.append(NOTHING if pixel < 0 else seen.flat[pixel])
        if skips:
            taps.append(seen[place])
        found[place] = tuple(taps)
    return found


def _flat(sight) -> list:
    return [sight] if not isinstance(sight, tuple) else [leaf for part in sight for leaf in _flat(part)]


def window_and_mask(image: np.ndarray, depth: int, kernel: tuple[int, int]) -> dict[tuple[int, int], tuple]:
    """The closed form, for padding with zeros to the same size: what is in the window, and which places are outside."""
    channels, height, width = image.shape
    before, after = zip(*((((k - 1) // 2), k - 1 - (k - 1) // 2) for k in kernel), strict=True)

    def inside(i: int, j: int) -> bool:
        return 0 <= i < height and 0 <= j < width

    found = {}
    for i, j in np.ndindex(height, width):
        rows, columns = (
            range(place - depth * before[axis], place + depth * after[axis] + 1) for axis, place in enumerate((i, j))
        )
        window = tuple(
            tuple(image[:, a, b].tolist()) if inside(a, b) else (0.0,) * channels for a in rows for b in columns
        )
        rows, columns = (
            range(place - (depth - 1) * before[axis], place + (depth - 1) * after[axis] + 1)
            for axis, place in enumerate((i, j))
        )
        found[i, j] = window, tuple(inside(a, b) for a in rows for b in columns)
    return found

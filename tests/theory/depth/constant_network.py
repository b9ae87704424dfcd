"""A real network that is the constant function, at the least depth: its weights written down, not trained."""

import numpy as np
import torch
from torch import nn

from theory.depth import pixel_classes


def constant_network(x_hat: np.ndarray, depth: int, kernel: tuple[int, int]) -> tuple[nn.Sequential, float]:
    """`depth` convolutions with ReLUs between them that answer every image of x̂'s size with x̂, if that can be.

    With a bound on how far from x̂ rounding can leave its answers: indicators are exact, and least squares by SVD of
    A w = b with a solution leaves no more of b than about u (rows + columns) ‖A‖ ‖w‖, as does the last layer itself.

    The first layer ignores its input; each layer from the second on outputs the indicators of its classes of pixels
    of a black image, as in the proof; the last one's weights solve for x̂ by least squares.
    """
    shape = x_hat.shape[1:]
    first = _layer(len(x_hat), 1, kernel)
    first.weight.data.zero_()
    first.bias.data.fill_(1)
    layers: list[nn.Module] = [first, nn.ReLU()]
    seen = np.zeros(shape, dtype=np.int64)  # all pixels are of one class
    for layer in range(2, depth):
        classes = pixel_classes(np.zeros((1, *shape)), layer, kernel)
        sights = _windows(seen, kernel)  # H, W, k_h, k_w: the class that each tap sees, −1 for nothing
        conv = _layer(seen.max() + 1, classes.max() + 1, kernel)
        for number in range(classes.max() + 1):
            row, column = np.argwhere(classes == number)[0]
            sight = sights[row, column]
            conv.weight.data[number] = -1
            for tap in np.argwhere(sight >= 0).tolist():
                conv.weight.data[number, sight[*tap], *tap] = 1
            conv.bias.data[number] = 1 - int((sight >= 0).sum())
        layers += [conv, nn.ReLU()]
        seen = classes
    last = _layer(seen.max() + 1, len(x_hat), kernel)
    sights = _windows(seen, kernel).reshape(x_hat[0].size, -1)
    columns = (sights[:, :, None] == np.arange(seen.max() + 1)).transpose(0, 2, 1)  # pixels, classes, taps
    design = np.hstack([columns.reshape(len(sights), -1), np.ones((len(sights), 1))])
    solution = torch.from_numpy(np.linalg.lstsq(design, x_hat.reshape(len(x_hat), -1).T)[0].T.copy())
    last.weight.data = solution[:, :-1].reshape(last.weight.shape)
    last.bias.data = solution[:, -1]
    rounding = 4 * 2.0**-53 * sum(design.shape) * np.linalg.norm(design) * torch.linalg.norm(solution).item()
    return nn.Sequential(*layers, last), rounding


def _layer(inputs: int, outputs: int, kernel: tuple[int, int]) -> nn.Conv2d:
    return nn.Conv2d(int(inputs), int(outputs), kernel, padding="same", dtype=torch.float64)


def _windows(seen: np.ndarray, kernel: tuple[int, int]) -> np.ndarray:
    pads = [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel]
    return np.lib.stride_tricks.sliding_window_view(np.pad(seen, pads, constant_values=-1), kernel)

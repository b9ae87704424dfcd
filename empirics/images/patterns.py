"""Generated patterns unlike digits: what does a network do far from its training image?"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8

Picture = Float[np.ndarray, "height width"]
Point = tuple[float, float]

# Strokes of capital letters: polylines of (x, y) points in a unit square, y downward.
LETTERS: dict[str, list[list[Point]]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.6), (0.8, 0.6)]],
    "E": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.5), (0.8, 0.5)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(1, 0), (0, 0.5), (1, 1)]],
    "M": [[(0, 1), (0, 0), (0.5, 0.6), (1, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "Z": [[(0, 0), (1, 0), (0, 1), (1, 1)]],
}


def patterns(height: int, width: int, seed: int) -> dict[str, UInt8[np.ndarray, "1 height width"]]:
    """All patterns by name, drawn at a size; only the noise depends on the seed.

    Args:
        height: H in pixels.
        width: W in pixels.
        seed: of the noise.

    Returns:
        One-channel images of bytes, (1, H, W) each.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, Picture] = {}
    for draw in (_plain, _stripes, _checkerboards, _gradients, _rounds, _letters):
        drawn |= draw(height, width)
    drawn |= _noise(height, width, rng)
    return {name: np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)[None] for name, picture in drawn.items()}


def _plain(height: int, width: int) -> dict[str, Picture]:
    blank = np.zeros((height, width))
    corner, centre, frame = blank.copy(), blank.copy(), blank.copy()
    corner[0, 0] = 1
    centre[height // 2, width // 2] = 1
    frame[[0, -1], :] = frame[:, [0, -1]] = 1
    return {"blank": blank, "full": blank + 1, "grey": blank + 0.5, "corner dot": corner, "dot": centre, "frame": frame}


def _stripes(height: int, width: int) -> dict[str, Picture]:
    y, x = np.mgrid[:height, :width]
    directions = {"horizontal": y, "vertical": x, "diagonal": x + y}
    return {
        f"{name} stripes, period {period}": (along % period < period // 2).astype(float)
        for name, along in directions.items()
        for period in (2, 4, 8)
    }


def _checkerboards(height: int, width: int) -> dict[str, Picture]:
    y, x = np.mgrid[:height, :width]
    return {f"checkerboard, cells of {cell}": (x // cell + y // cell) % 2.0 for cell in (1, 2, 4)}


def _gradients(height: int, width: int) -> dict[str, Picture]:
    y, x = _unit_square(height, width)
    return {
        "horizontal gradient": x,
        "vertical gradient": y,
        "diagonal gradient": (x + y) / 2,
        "radial gradient": 1 - np.hypot(x - 0.5, y - 0.5) / np.hypot(0.5, 0.5),
    }


def _rounds(height: int, width: int) -> dict[str, Picture]:
    y, x = _unit_square(height, width)
    radius = np.hypot(x - 0.5, y - 0.5)
    pixel = 1 / max(height, width)
    shapes = {"small disc": radius - 0.15, "large disc": radius - 0.35, "ring": np.abs(radius - 0.3) - 0.06}
    return {name: _soft(distance, pixel) for name, distance in shapes.items()}


def _letters(height: int, width: int) -> dict[str, Picture]:
    y, x = _unit_square(height, width)
    pixel = 1 / max(height, width)
    drawn = {}
    for letter, strokes in LETTERS.items():
        distance = np.min([_distance(x, y, a, b) for line in strokes for a, b in pairwise(line)], axis=0)
        drawn[f"letter {letter}"] = _soft(distance - 0.05, pixel)
    return drawn


def _noise(height: int, width: int, rng: np.random.Generator) -> dict[str, Picture]:
    return {
        "uniform noise": rng.uniform(size=(height, width)),
        "binary noise": rng.integers(2, size=(height, width)).astype(float),
        "sparse noise": (rng.uniform(size=(height, width)) < 0.05).astype(float),
    }


def _unit_square(height: int, width: int) -> tuple[Picture, Picture]:
    """(y, x) of the pixels' centres, each in (0, 1)."""
    y, x = np.mgrid[:height, :width]
    return (y + 0.5) / height, (x + 0.5) / width


def _distance(x: Picture, y: Picture, start: Point, end: Point) -> Picture:
    """Distance of each pixel from a stroke, whose unit square fills the middle of the image."""
    (x0, y0), (x1, y1) = ((0.25 + 0.5 * px, 0.2 + 0.6 * py) for px, py in (start, end))
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - x0 - along * dx, y - y0 - along * dy)


def _soft(distance: Picture, pixel: float) -> Picture:
    """1 where the signed distance is negative, 0 where it is positive, and grey across one pixel at the edge."""
    return np.clip(0.5 - distance / pixel, 0, 1)

"""Picture files written byte by byte, for what Pillow reads and does not write."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's kinds of colour


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def write_png_file(
    path: Path, samples: np.ndarray, colour: int, bits: int, chunks: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """A PNG of samples (H, W, bands), every line but the first as differences from the pixel to its left ("Sub")."""
    height, width, bands = samples.shape
    step = max(1, bands * bits // 8)
    lines = b""
    for row, line in enumerate(samples.reshape(height, -1)):
        packed = int("".join(f"{value:0{bits}b}" for value in line), 2) << (-len(line) * bits % 8)
        data = packed.to_bytes(-(-len(line) * bits // 8))
        if row:
            data = bytes((byte - (data[at - step] if at >= step else 0)) % 256 for at, byte in enumerate(data))
        lines += bytes([1 if row else 0]) + data
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    body = b"".join(_chunk(*chunk) for chunk in chunks) + _chunk(b"IDAT", zlib.compress(lines))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body + _chunk(b"IEND", b""))


def write_tiff_file(
    path: Path, samples: np.ndarray, *, order: str = "<", photometric: int = 2, deflate: bool = False, kind: int = 1
) -> None:
    """A TIFF of samples (H, W, bands) in one strip, in either byte order; kind 1 is unsigned, 2 signed."""
    height, width, bands = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflate else data
    start = 8 + len(data)
    after = start + 2 + 11 * 12 + 4  # where numbers go that do not fit an entry
    bits, kinds = [8 * samples.dtype.itemsize] * bands, [kind] * bands
    extra: bytes = b""
    entries = b""
    for tag, values, code in (
        (256, [width], "H"), (257, [height], "H"), (258, bits, "H"), (259, [8 if deflate else 1], "H"),
        (262, [photometric], "H"), (273, [8], "I"), (277, [bands], "H"), (278, [height], "H"),
        (279, [len(data)], "I"), (284, [1], "H"), (339, kinds, "H"),
    ):  # fmt: skip
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", after + len(extra)), extra + packed
        entries += struct.pack(f"{order}HHI", tag, 3 if code == "H" else 4, len(values)) + packed.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    path.write_bytes(head + data + struct.pack(f"{order}H", 11) + entries + bytes(4) + extra)

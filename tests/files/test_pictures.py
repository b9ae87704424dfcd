"""Every kind of picture that is read is read exactly; the others are refused in a sentence that says the way out."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageOps

import empirics
from files import embedded_digits, read_image, read_pixels, write_image
from tests.files.picture_files import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, write_png_file, write_tiff_file

RNG = np.random.default_rng(0)
EIGHT = RNG.integers(256, size=(5, 6, 3), dtype=np.uint8)
SIXTEEN = RNG.integers(2**16, size=(5, 6, 3), dtype=np.uint16)


def channels_first(levels):
    return np.moveaxis(levels, -1, 0)


@given(data=st.data(), colour=st.sampled_from([GREY, RGB, GREY_ALPHA, RGBA]), bits=st.sampled_from([1, 2, 4, 8, 16]))
def test_png_of_any_depth_is_what_it_stores(data, colour, bits, tmp_path_factory):
    """The largest number of its bits is white; alpha that is full everywhere is no transparency."""
    if colour != GREY and bits < 8:
        bits = 8  # PNG knows fewer bits for grey and palettes only
    if (colour, bits) == (GREY_ALPHA, 16):
        bits = 8  # refused, see below
    bands = {GREY: 1, RGB: 3, GREY_ALPHA: 2, RGBA: 4}[colour]
    shape = (*data.draw(array_shapes(min_dims=2, max_dims=2, max_side=5)), bands)
    samples = data.draw(arrays(np.uint16, shape, elements=st.integers(0, 2**bits - 1)))
    if colour in (GREY_ALPHA, RGBA):
        samples[..., -1] = 2**bits - 1
    path = tmp_path_factory.mktemp("png") / "it.png"
    write_png_file(path, samples, colour, bits)
    pixels = read_pixels(path)
    assert pixels.dtype == (np.uint16 if bits == 16 else np.uint8)
    colours = samples[..., :-1] if colour in (GREY_ALPHA, RGBA) else samples
    unit = (2 ** (16 if bits == 16 else 8) - 1) // (2**bits - 1)
    assert np.array_equal(pixels, channels_first(colours) * unit)
    # Both are the same fraction, rounded once.
    assert np.array_equal(read_image(path), channels_first(colours) / (2**bits - 1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bands", [1, 3])
def test_tiff_of_16_bits_in_either_byte_order(order, deflate, bands, tmp_path):
    levels = SIXTEEN[..., :bands]
    write_tiff_file(tmp_path / "it.tif", levels, order=order, deflate=deflate, photometric=1 if bands == 1 else 2)
    assert np.array_equal(read_pixels(tmp_path / "it.tif"), channels_first(levels))


@pytest.mark.parametrize("top", [1, 15, 255, 65535])
@pytest.mark.parametrize("bands", [1, 3])
def test_netpbm_whose_white_divides_that_of_its_bytes(top, bands, tmp_path):
    levels = (SIXTEEN[..., :bands].astype(int) % (top + 1)).astype(np.uint8 if top < 256 else ">u2")
    head = f"P{5 if bands == 1 else 6}\n6 5\n{top}\n".encode()
    (tmp_path / "it.ppm").write_bytes(head + levels.tobytes())
    white = 255 if top < 256 else 65535
    assert np.array_equal(read_pixels(tmp_path / "it.ppm"), channels_first(levels).astype(np.uint16) * (white // top))
    plain = f"P{2 if bands == 1 else 3}\n6 5\n{top}\n" + " ".join(map(str, levels.ravel()))
    (tmp_path / "plain.ppm").write_text(plain)
    if (top, bands) == (65535, 3):
        with pytest.raises(ValueError, match="as its white, or 65535 in a binary file, got 65535"):
            read_pixels(tmp_path / "plain.ppm")
    else:
        assert np.array_equal(read_pixels(tmp_path / "plain.ppm"), read_pixels(tmp_path / "it.ppm"))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm", "gif"])
def test_colours_without_loss_in_every_format_that_keeps_them(suffix, tmp_path):
    colours = EIGHT if suffix != "gif" else EIGHT // 128 * 255
    how = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(colours).save(tmp_path / f"it.{suffix}", **how)
    assert np.array_equal(read_pixels(tmp_path / f"it.{suffix}"), channels_first(colours))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_what_its_decoder_makes_of_it(mode, tmp_path):
    Image.fromarray(EIGHT).convert(mode).save(tmp_path / "it.jpg")
    with Image.open(tmp_path / "it.jpg") as picture:
        expected = np.atleast_3d(np.asarray(picture))
    assert np.array_equal(read_pixels(tmp_path / "it.jpg"), channels_first(expected))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_gives_its_colours(bits, tmp_path):
    count = min(2**bits, 200)
    palette = RNG.integers(256, size=(count, 3), dtype=np.uint8)
    indices = RNG.integers(count - (bits > 1), size=(4, 9, 1))  # the last is not used
    unused = (b"tRNS", bytes([255] * (count - 1) + [0]))
    for chunks in ([], [unused] if bits > 1 else []):
        write_png_file(tmp_path / "it.png", indices, PALETTE, bits, [(b"PLTE", palette.tobytes()), *chunks])
        assert np.array_equal(read_pixels(tmp_path / "it.png"), channels_first(palette[indices[..., 0]]))
    used = (b"tRNS", bytes([255] * indices.min() + [128]))
    write_png_file(tmp_path / "it.png", indices, PALETTE, bits, [(b"PLTE", palette.tobytes()), used])
    clear = int((indices == indices.min()).sum())
    with pytest.raises(ValueError, match=f"must be opaque, got {clear} of 36 pixels transparent; put it on a back"):
        read_pixels(tmp_path / "it.png")


@pytest.mark.parametrize(
    ("colour", "bits"), [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16)]
)
def test_a_transparent_colour_counts_where_a_pixel_has_it(colour, bits, tmp_path):
    """One whose lower byte alone differs has another colour."""
    samples = np.zeros((3, 4, 1 if colour == GREY else 3), np.uint16)
    samples[0, 0, 0] = colour == RGB  # a third of the key is not the key
    key = np.ones(samples.shape[2], np.uint16)
    chunk = (b"tRNS", key.astype(">u2").tobytes())
    write_png_file(tmp_path / "it.png", samples, colour, bits, [chunk])
    assert np.array_equal(read_pixels(tmp_path / "it.png"), channels_first(samples))
    samples[1, 2] = key
    write_png_file(tmp_path / "it.png", samples, colour, bits, [chunk])
    with pytest.raises(ValueError, match="must be opaque, got 1 of 12 pixels transparent"):
        read_pixels(tmp_path / "it.png")


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_counts_where_it_is_not_full(mode, tmp_path):
    picture = Image.fromarray(EIGHT).convert(mode)
    for suffix in ("png", "tif"):
        picture.save(tmp_path / f"it.{suffix}")
        expected = np.atleast_3d(np.asarray(picture))[..., :-1]
        assert np.array_equal(read_pixels(tmp_path / f"it.{suffix}"), channels_first(expected))
    picture.putpixel((2, 3), (*[7] * (len(mode) - 1), 254))
    picture.save(tmp_path / "it.png")
    with pytest.raises(ValueError, match="must be opaque, got 1 of 30 pixels transparent"):
        read_pixels(tmp_path / "it.png")


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_photographs_stand_upright(orientation, suffix, tmp_path):
    """As Pillow's own turning has it; 0 and 9 are no orientations, and mean none."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(EIGHT).save(tmp_path / f"it.{suffix}", exif=exif)
    with Image.open(tmp_path / f"it.{suffix}") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    assert np.array_equal(read_pixels(tmp_path / f"it.{suffix}"), channels_first(expected))
    assert expected.shape[:2] == ((6, 5) if orientation in (5, 6, 7, 8) else (5, 6))


def test_neither_gamma_nor_a_profile_changes_a_pixel(tmp_path):
    gamma = (b"gAMA", (45455).to_bytes(4))
    write_png_file(tmp_path / "it.png", EIGHT.astype(np.uint16), RGB, 8, [gamma])
    assert np.array_equal(read_pixels(tmp_path / "it.png"), channels_first(EIGHT))
    Image.fromarray(EIGHT).save(tmp_path / "it.png", icc_profile=b"a profile")
    assert np.array_equal(read_pixels(tmp_path / "it.png"), channels_first(EIGHT))


def test_a_telephones_photograph_may_hold_a_preview_beside_it(tmp_path):
    photograph, other = Image.fromarray(EIGHT), Image.fromarray(EIGHT[::-1])
    photograph.save(tmp_path / "it.jpg", format="MPO", save_all=True, append_images=[other])
    data = (tmp_path / "it.jpg").read_bytes()
    with Image.open(tmp_path / "it.jpg") as picture:
        assert picture.n_frames == 2
        expected = np.asarray(picture)
    assert np.array_equal(read_pixels(tmp_path / "it.jpg"), channels_first(expected))
    # In the table of pictures the first's kind is 0x030000, and the second's stands 16 bytes later.
    kind = data.rindex(struct.pack("<I", 0x030000)) + 16
    assert data[kind : kind + 4] == bytes(4)
    (tmp_path / "it.jpg").write_bytes(data[:kind] + struct.pack("<I", 0x020002) + data[kind + 4 :])  # two eyes
    with pytest.raises(ValueError, match="must hold one picture, got 2 frames or pages"):
        read_pixels(tmp_path / "it.jpg")


def frames(path, mode="RGB"):
    Image.fromarray(EIGHT).convert(mode).save(path, save_all=True, append_images=[Image.fromarray(EIGHT[::-1])])


def archive(path):
    with path.open("wb") as stream:
        np.savez(stream, a=np.ones(3))


REFUSED = {
    "animation.gif": (frames, "must hold one picture, got 2 frames or pages; save the one that is meant"),
    "animation.png": (frames, "must hold one picture, got 2 frames"),
    "animation.webp": (frames, "must hold one picture, got 2 frames"),
    "pages.tif": (frames, "must hold one picture, got 2 frames"),
    "print.jpg": (lambda path: Image.new("CMYK", (4, 4)).save(path), "must be grey or RGB, got a picture of mode CMYK"),
    "lab.tif": (lambda path: Image.new("LAB", (4, 4)).save(path), "must be grey or RGB, got a picture of mode LAB"),
    "float.tif": (lambda path: Image.new("F", (4, 4)).save(path), "must have 1 to 8 or 16 bits a channel, got F;32"),
    "long.tif": (lambda path: Image.new("I", (4, 4)).save(path), "must have 1 to 8 or 16 bits a channel, got I;32"),
    "thousand.ppm": (
        lambda path: path.write_bytes(b"P6\n1 1\n1000\n\0\1\0\2\0\3"),
        "in a binary file, got 1000;",
    ),
    "thousand.pgm": (lambda path: path.write_bytes(b"P5\n1 1\n1000\n\0\1"), "in a binary file, got 1000;"),
    "hundred.pgm": (lambda path: path.write_bytes(b"P5\n1 1\n100\n\1"), "in a binary file, got 100;"),
    "floats.pfm": (lambda path: path.write_bytes(b"Pf\n1 1\n-1.0\n\0\0\0\0"), "must have 1 to 8 or 16 bits a channel"),
    "grey-alpha.png": (
        lambda path: write_png_file(path, np.full((4, 4, 2), 65535), GREY_ALPHA, 16),
        "must have 1 to 8 or 16 bits a channel, got LA;16B",
    ),
    "negative.tif": (
        lambda path: write_tiff_file(path, SIXTEEN[..., :1], photometric=0),
        "must have 0 as its black, got a TIFF whose white is 0",
    ),
    "signed.tif": (
        lambda path: write_tiff_file(path, EIGHT[..., :1], photometric=1, kind=2),
        "must hold unsigned numbers",
    ),
    "signed16.tif": (
        lambda path: write_tiff_file(path, SIXTEEN[..., :1], photometric=1, kind=2),
        "must have 1 to 8 or 16 bits a channel, got I;16S",
    ),
    "icon.ico": (lambda path: Image.fromarray(EIGHT).save(path), "is not an image file that can be read: PNG, JPEG"),
    "text.png": (lambda path: path.write_text("not a picture"), "is not an image file that can be read: PNG, JPEG"),
    "folder": (lambda path: path.mkdir(), "must be a file, PNG, JPEG, TIFF, WebP, BMP, GIF, PPM or NPY, got a folder"),
    "folder.npy": (lambda path: path.mkdir(), "must be a file, PNG, JPEG"),
    "text.npy": (lambda path: path.write_text("not an array"), "is not a readable NPY file"),
    "pickled.npy": (lambda path: np.save(path, np.array([{}], dtype=object)), "is not a readable NPY file"),
    "archive.npy": (
        archive,
        "must hold one NPY array, got an archive of several",
    ),
    "nan.npy": (lambda path: np.save(path, np.full((4, 4), np.nan)), "must hold finite numbers"),
    "empty.npy": (lambda path: np.save(path, np.ones((0, 4))), "not empty; got shape (0, 4)"),
    "four.npy": (lambda path: np.save(path, np.ones((1, 1, 4, 4))), "must be an image of shape (H, W) or (C, H, W)"),
    "last.npy": (lambda path: np.save(path, np.ones((48, 40, 3))), "got shape (48, 40, 3), which looks like (H, W, C)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_exactly_is_refused_with_the_way_out(name, tmp_path):
    write, words = REFUSED[name]
    write(tmp_path / name)
    with pytest.raises(ValueError) as refusal:
        read_pixels(tmp_path / name)
    assert str(refusal.value).startswith(f"{tmp_path / name} ")
    assert words in str(refusal.value)


def test_a_truncated_picture_is_named(tmp_path):
    Image.effect_noise((30, 30), 50).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"half\.png is not a readable image: image file is truncated"):
        read_pixels(tmp_path / "half.png")
    with pytest.raises(FileNotFoundError):
        read_pixels(tmp_path / "none.png")
    np.save(tmp_path / "truth.npy", np.ones((4, 4), bool))
    with pytest.raises(TypeError, match="must hold real numbers, got bool"):
        read_pixels(tmp_path / "truth.npy")


def test_an_array_is_taken_as_it_is(tmp_path):
    """With channels first, or without; whole numbers that somebody may have meant as a picture's are told of."""
    values = np.array([[-0.5, 0.0, 1.7]])
    np.save(tmp_path / "it.npy", values)
    assert np.array_equal(read_image(tmp_path / "it.npy"), values[None])
    for shape in ((3, 5, 6), (4, 8, 3), (7, 2, 3), (5, 6)):  # none of them surely has its channels last
        np.save(tmp_path / "it.npy", np.ones(shape))
        assert read_image(tmp_path / "it.npy").shape == ((1, *shape) if len(shape) == 2 else shape)
    np.save(tmp_path / "it.npy", np.array([[3, 255]], np.uint8))
    with pytest.warns(UserWarning, match=r"holds integers up to 255, which are taken as they are; pictures are scaled"):
        assert read_image(tmp_path / "it.npy").tolist() == [[[3.0, 255.0]]]
    np.save(tmp_path / "it.npy", np.array([[0, 1]]))
    assert read_image(tmp_path / "it.npy").tolist() == [[[0.0, 1.0]]]


def test_both_readers_see_the_same_digits():
    assert np.array_equal(embedded_digits(), empirics.images("digits").pixels)


def test_what_is_written_is_read_again(tmp_path):
    for levels in (EIGHT, EIGHT[..., :1]):
        write_image(tmp_path / "it.png", channels_first(levels) / 255)
        assert np.array_equal(read_pixels(tmp_path / "it.png"), channels_first(levels))

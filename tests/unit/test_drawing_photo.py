"""Photos to MNIST's image: as good as the same strokes drawn, in any light; and no harm from any file."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

from mlpcore.datasets import Dataset
from mlpcore.drawing import Stroke, UnreadablePhoto, draw, image_from_photo

Picture = npt.NDArray[np.float64]
"""Brightness, 0 to 255, [H, W]."""

HEIGHT, WIDTH = 480, 640
Y, X = np.mgrid[:HEIGHT, :WIDTH] / [[[HEIGHT]], [[WIDTH]]]


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    angles = np.radians(np.linspace(start, end, 40))
    return np.stack([x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles)], axis=1)


DIGITS: dict[int, list[Stroke]] = {
    0: [arc(50, 100, 80, 160, -90, 270)],
    1: [np.array([[60.0, 20], [50, 180]])],
    2: [np.concatenate([arc(50, 60, 80, 80, -170, 40), [[15, 178], [95, 178]]])],
    4: [np.array([[30.0, 20], [15, 110], [90, 105]]), np.array([[80.0, 30], [72, 180]])],
    # The bar does not touch the rest.
    5: [np.concatenate([[[30, 45], [25, 90]], arc(48, 132, 80, 90, -120, 130)]), np.array([[32.0, 22], [88, 20]])],
    8: [np.concatenate([arc(50, 60, 60, 76, 90, 450), arc(50, 140, 74, 84, -90, 270)])],
}


def cover(strokes: list[Stroke], height: float = 220, pen: float = 9, x: float = 0.5, y: float = 0.5) -> Picture:
    """To what share each pixel is covered by a pen of that many pixels, the digit's middle at x and y."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    sharp = Image.new("L", (4 * WIDTH, 4 * HEIGHT))
    paint, radius = ImageDraw.Draw(sharp), 2 * pen
    for stroke in strokes:
        at = 4 * ((stroke - (low + high) / 2) * height / np.ptp(points, axis=0).max() + [x * WIDTH, y * HEIGHT])
        paint.line([(float(px), float(py)) for px, py in at], fill=255, width=round(2 * radius), joint="curve")
        for px, py in at[[0, -1]]:
            paint.circle((float(px), float(py)), radius, fill=255)
    return np.asarray(sharp.resize((WIDTH, HEIGHT), Image.Resampling.BOX)) / 255


def written(strokes: list[Stroke], ink: float = 40, paper: float = 210, **how: float) -> Picture:
    covered = cover(strokes, **how)
    return ink * covered + paper * (1 - covered)


def file(picture: Picture | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else as_image(picture)
    memory = io.BytesIO()
    image.save(memory, kind, **options)
    return memory.getvalue()


def as_image(picture: Picture) -> Image.Image:
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def noisy(picture: Picture, amount: float = 6) -> Picture:
    return picture + np.random.default_rng(0).normal(0, amount, picture.shape)


def apart(image: Tensor, strokes: list[Stroke]) -> float:
    """How much of the ink lies elsewhere than in the drawing."""
    expected = draw(strokes)
    assert expected is not None
    assert image.shape == (28, 28) and image.dtype == torch.uint8
    return float((image.double() - expected).abs().sum() / expected.double().sum())


def on_a_table(picture: Picture) -> Picture:
    """A sheet in the middle of a dark table, not quite straight."""
    sheet = (X > 0.08 + 0.05 * Y) & (X < 0.94 - 0.04 * Y) & (Y > 0.05 + 0.04 * X) & (Y < 0.96 - 0.03 * X)
    return np.where(sheet, picture, 45)


def ruled(picture: Picture) -> Picture:
    return np.where(np.arange(HEIGHT)[:, None] % 32 < 2, 0.8 * picture, picture)


def dirty(picture: Picture) -> Picture:
    spots = np.random.default_rng(1).random(picture.shape) > 0.9999
    return np.where(ndimage.binary_dilation(spots, iterations=2), 60, picture)


SCENES: dict[str, Callable[[list[Stroke]], Picture]] = {
    "pen": lambda digit: noisy(written(digit)),
    "fine pen": lambda digit: noisy(written(digit, pen=3)),
    "marker": lambda digit: noisy(written(digit, pen=22)),
    "pencil": lambda digit: noisy(written(digit, ink=130, pen=4)),
    "chalk": lambda digit: noisy(written(digit, ink=220, paper=60)),
    "screen": lambda digit: written(digit, ink=255, paper=0),
    "small": lambda digit: noisy(written(digit, height=60, pen=3, x=0.8, y=0.3)),
    "fills the picture": lambda digit: noisy(written(digit, height=430, pen=30)),
    "slanting light": lambda digit: noisy(written(digit) * (1 - 0.4 * X - 0.3 * Y)),
    "slanting light on chalk": lambda digit: noisy(written(digit, ink=220, paper=60) * (1 - 0.4 * X - 0.3 * Y)),
    "lamp": lambda digit: noisy(written(digit) * (1 - 1.2 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2))),
    "hard shadow": lambda digit: noisy(written(digit) * np.where(X + 0.6 * Y < 0.8, 1, 0.5)),
    "much noise": lambda digit: noisy(written(digit), 25),
    "sheet on a table": lambda digit: noisy(on_a_table(written(digit))),
    "ruled paper": lambda digit: noisy(ruled(written(digit))),
    "dirt": lambda digit: noisy(dirty(written(digit))),
    "dark corner": lambda digit: noisy(np.where(X + Y < 0.3, 30, written(digit))),
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_photo_gives_what_the_strokes_give(scene: str) -> None:
    for digit in DIGITS.values() if scene in ("pen", "hard shadow") else (DIGITS[0], DIGITS[5]):
        image = image_from_photo(file(SCENES[scene](digit), "JPEG"))
        assert apart(image, digit) < (0.2 if scene == "small" else 0.12), scene


def test_mnist_itself_comes_back(mnist: Dataset) -> None:
    images = mnist.test.images[:24]
    read = torch.stack([image_from_photo(file(Image.fromarray(image.numpy()))) for image in images])
    # MNIST's own pens are thicker or thinner, so it is not the same image, but its nearest neighbour is mostly itself.
    known = mnist.test.images[:2000].flatten(1).float()
    nearest = torch.cdist(read.flatten(1).float(), known).argmin(dim=1)
    assert (mnist.test.labels[nearest] == mnist.test.labels[:24]).sum() >= 23


@pytest.mark.parametrize(
    "convert",
    [
        lambda image: file(image.convert("1", dither=Image.Dither.NONE)),
        lambda image: file(image.convert("P")),
        lambda image: file(image.convert("RGB")),
        lambda image: file(image.convert("LA")),
        lambda image: file(Image.fromarray(np.asarray(image).astype(np.uint16) * 257)),
        lambda image: file(Image.fromarray(np.asarray(image).astype(np.uint16))),
        lambda image: file(image, "JPEG", quality=30),
        lambda image: file(image.convert("CMYK"), "JPEG"),
        lambda image: file(image.convert("RGB"), "WEBP"),
        lambda image: file(image.convert("RGBA"), "WEBP", lossless=True),
        lambda image: file(image, save_all=True, append_images=[Image.new("L", image.size)]),
        lambda image: file(image, "WEBP", save_all=True, append_images=[Image.new("RGB", image.size)]),
    ],
    ids=[
        "1",
        "P",
        "RGB",
        "LA",
        "I;16",
        "I;16 up to 255",
        "poor JPEG",
        "CMYK",
        "WebP",
        "WebP alpha",
        "moving PNG",
        "moving WebP",
    ],
)
def test_pictures_of_every_kind_are_read(convert: Callable[[Image.Image], bytes]) -> None:
    assert apart(image_from_photo(convert(as_image(written(DIGITS[2])))), DIGITS[2]) < 0.12


def test_what_is_transparent_is_white() -> None:
    covered = Image.fromarray((cover(DIGITS[2]) * 255).astype(np.uint8))
    ink = Image.new("RGBA", covered.size, (20, 20, 90, 255))
    ink.putalpha(covered)
    assert apart(image_from_photo(file(ink)), DIGITS[2]) < 0.12
    palette = as_image(written(DIGITS[2], ink=0, paper=255)).quantize(2)
    paper = int(np.asarray(palette)[0, 0])
    # Black ink on black paper, which is transparent.
    palette.putpalette([0] * 6)
    assert apart(image_from_photo(file(palette, transparency=paper)), DIGITS[2]) < 0.12


@pytest.mark.parametrize("color", [(255, 255, 255), (230, 225, 210)], ids=["white", "chalk"])
def test_white_ink_on_a_transparent_ground_is_read(color: tuple[int, int, int]) -> None:
    ink = Image.new("RGB", (WIDTH, HEIGHT), color)
    ink.putalpha(as_image(255 * cover(DIGITS[2])))
    assert apart(image_from_photo(file(ink)), DIGITS[2]) < 0.12
    assert apart(image_from_photo(file(ink, "WEBP", lossless=True)), DIGITS[2]) < 0.12


def test_a_photo_is_turned_as_the_camera_was_held() -> None:
    upright = as_image(written(DIGITS[2]))
    exif = Image.Exif()
    # "Turn by 90° clockwise to see it", so it is stored turned the other way.
    exif[0x0112] = 6
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    for kind in ("JPEG", "PNG", "WEBP"):
        assert apart(image_from_photo(file(turned, kind, exif=exif)), DIGITS[2]) < 0.12
    assert apart(image_from_photo(file(turned)), DIGITS[2]) > 0.5


def test_large_photos_are_read() -> None:
    large = as_image(noisy(written(DIGITS[2]))).resize((4000, 3000), Image.Resampling.BICUBIC)
    assert apart(image_from_photo(file(large, "JPEG")), DIGITS[2]) < 0.12


def test_a_cropped_digit_may_touch_the_edge() -> None:
    picture = written(DIGITS[2])
    rows, columns = (np.flatnonzero((picture < 100).any(axis=axis)) for axis in (1, 0))
    cropped = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert apart(image_from_photo(file(cropped)), DIGITS[2]) < 0.15


@pytest.mark.parametrize(
    "picture",
    [
        np.full((HEIGHT, WIDTH), 255.0),
        np.zeros((HEIGHT, WIDTH)),
        noisy(np.full((HEIGHT, WIDTH), 200.0), 10),
        noisy(np.full((HEIGHT, WIDTH), 128.0), 60),
        noisy(210 * (1 - 0.7 * X)),
        noisy(210 * (1 - 1.2 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2))),
        np.where(X > 0.5, 220.0, 60.0),
        noisy(np.where((X - 0.5) ** 2 + (Y - 0.5) ** 2 < 0.02, 40.0, 210.0)),
        on_a_table(np.full((HEIGHT, WIDTH), 210.0)),
        np.where(X + Y < 0.3, 30.0, 210.0),
        np.where((np.abs(X - 0.2) < 0.12) & (Y > 0.3), 110.0, 210.0),
        ruled(np.full((HEIGHT, WIDTH), 210.0)),
        written([np.array([[0.0, 0], [1, 1]])], height=4),
        np.full((1, 1), 7.0),
        np.full((1, 3000), 7.0),
        np.full((3000, 1), 7.0),
    ],
    ids=[
        *(
            "white",
            "black",
            "paper",
            "noise",
            "slanting light",
            "lamp",
            "halves",
            "blob",
            "table",
            "dark corner",
            "shadow",
        ),
        *("ruled", "dot", "pixel", "wide", "tall"),
    ],
)
def test_where_there_is_no_digit_a_sentence_says_so(picture: Picture) -> None:
    with pytest.raises(UnreadablePhoto, match=r"^No digit was found .* Write one digit, dark on light"):
        image_from_photo(file(picture))


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", file(as_image(X), "GIF"), file(as_image(X), "BMP"),
     file(as_image(X), "TIFF"), file(as_image(X), "PPM"), b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"],
    ids=["empty", "text", "PDF", "start of a PNG", "GIF", "BMP", "TIFF", "PPM", "EPS"],
)  # fmt: skip
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePhoto, match=r"not a picture that can be read.* PNG, JPEG or WebP"):
        image_from_photo(data)


def test_no_other_decoder_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    gif = file(as_image(X), "GIF")

    def decoder(*_: object) -> None:
        raise AssertionError("a GIF was opened")

    monkeypatch.setitem(Image.OPEN, "GIF", (decoder, decoder))
    with pytest.raises(UnreadablePhoto):
        image_from_photo(gif)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("PNG", "This PNG file is damaged"),
        ("JPEG", "This JPEG file is damaged"),
        ("WEBP", "This file is not a picture"),
    ],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_part_of_a_file_is_called_so(kind: str, sentence: str, share: float) -> None:
    whole = file(noisy(written(DIGITS[2])), kind)
    with pytest.raises(UnreadablePhoto, match=f"^{sentence}.*, or only a part of one"):
        image_from_photo(whole[: int(len(whole) * share)])


def test_large_files_are_refused_before_they_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", None)
    with pytest.raises(UnreadablePhoto, match=r"This file has 12\.0 MB, and at most 10 MB are read"):
        image_from_photo(bytes(12_000_000))


def png_of(width: int, height: int) -> bytes:
    """A small file that claims to be a picture of that size, all black."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as in the app; pytest has its own filters
@pytest.mark.parametrize("size", [(8000, 6000), (10_000, 10_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)], ids=str)
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(UnreadablePhoto, match="pixels, and at most 40 million are read"):
        image_from_photo(png_of(*size))


def test_a_bomb_leaves_nothing_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(10_000, 10_000))
    reading = (
        "import sys; from mlpcore.drawing import UnreadablePhoto, image_from_photo\n"
        "try: image_from_photo(open(sys.argv[1], 'rb').read())\n"
        "except UnreadablePhoto as problem: print(problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", reading, tmp_path / "bomb.png"], capture_output=True, text=True, check=True
    )
    assert "10,000 × 10,000 pixels" in done.stdout
    assert not done.stderr


def read_or_refused(data: bytes) -> None:
    try:
        image = image_from_photo(data)
    except UnreadablePhoto:
        return
    assert image.shape == (28, 28) and image.dtype == torch.uint8
    assert image.max() > 50


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 "]))
def test_any_bytes_are_read_or_refused(data: bytes, start: bytes) -> None:
    read_or_refused(start + data)


WHOLE = {kind: file(as_image(written(DIGITS[2])).resize((80, 60)), kind) for kind in ("PNG", "JPEG", "WEBP")}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(WHOLE)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4))
def test_damaged_files_are_read_or_refused(kind: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(WHOLE[kind])
    for place, byte in changes:
        data[int(place * (len(data) - 1))] = byte
    read_or_refused(bytes(data))


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(4))),
    st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
    st.booleans(),
)
def test_pictures_of_any_mode_and_size_are_read_or_refused(
    pixels: npt.NDArray[np.uint8], mode: str, coarse: bool
) -> None:
    image = Image.fromarray(pixels)
    image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    size = (image.width * 9, image.height * 9) if coarse else image.size
    read_or_refused(file(image.resize(size, Image.Resampling.NEAREST)))

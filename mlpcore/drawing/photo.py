"""A photo or picture of a digit → the 28×28 image MNIST would have made of it.

A digit is the longest line in the picture, dark or light: shadows, tables and the paper itself are broad, and dirt is
short. Its outline is found to fractions of a pixel, and then it goes the way of pen strokes: the middle of its line is
brought to MNIST's size and redrawn with MNIST's pen.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy import ndimage
from torch import Tensor

from mlpcore.drawing.ink import LINE_BOX, PEN, Array, ink

FORMATS = ("PNG", "JPEG", "WEBP")
"""No other of Pillow's decoders is ever reached."""

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000

WORK_SIZE = 800
"""Longer side in pixels of the picture that is searched: a digit that is a fortieth of it still has MNIST's 20."""

DIGIT_SIZE = 160
"""Longer side in pixels, at least, of a digit when its outline is taken: eight for each of MNIST's."""

USUAL_SIZE = 48
"""Longer side in pixels of the picture in which the usual brightness is looked for."""

DARKNESS = 0.1
"""Added to a brightness of 0 to 1 before its logarithm is taken, so that noise in the dark has little contrast."""

SMOOTHING = 1.5
"""Pixels over which noise is smoothed."""

BROADEST = 0.4
"""Strokes are narrower than this share of the picture's longer side; shadows, tables and the paper are broader."""

FAINT = 0.15
"""Contrast (logarithm of a ratio of brightness) that paper and noise have as well."""

SMALLEST = 0.025
"""Size of a digit as a share of the picture's longer side."""

STUBBIEST = 0.4
"""Width of a line as a share of the digit's size. The boldest of MNIST reach it; what is broader is a blob."""

STUBBIEST_CUT = 0.2
"""The same for what touches the edge of the picture, where shadows and tables lie."""

ALONG_EDGE = 0.75
"""How much of it may lie along the edge, as a share of its size: a digit that is cut off has less there."""

CRACK = 9
"""Pixels: lines with narrower breaks, as at the edge of a hard shadow, are one."""

GAP = 0.2
"""How far apart the parts of one digit may be, as a share of its size, such as a 5 and its bar."""

SPECK = 0.03
"""Parts with a smaller share of the digit's line are dirt."""

CANDIDATES = 5
"""Parts of the picture that are looked at, those with the longest outlines."""

_NO_DIGIT = (
    "No digit was found in this picture. Write one digit, dark on light or light on dark, and take a close photo of it "
    "with nothing else in the picture."
)

# Pillow warns of pictures that are refused here anyway, and the warning would go to the server's log.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_Mask = npt.NDArray[np.bool_]


class UnreadablePhoto(ValueError):
    """A file in which no digit can be read; the message is the sentence to show."""


@dataclass(frozen=True, eq=False)
class _Line:
    """The longest line in a picture: its pixels, and its length in pixels."""

    mask: _Mask
    length: float


def image_from_photo(data: bytes) -> Tensor:
    """The 28×28 image MNIST would have made of the digit in a picture.

    Args:
        data: a PNG, JPEG or WebP file of at most 10 MB and 40 million pixels. The digit may be dark on light or light
            on dark, and the light uneven.

    Returns:
        uint8 [28, 28], 0 = background, 255 = full ink.

    Raises:
        UnreadablePhoto: the file is not such a picture, is too large or damaged, or no digit was found in it.
    """
    picture = _opened(data)
    # Ink as light as one ground is seen on the other.
    for ground in ("white", "black") if picture.mode == "RGBA" else ("white",):
        image = _digit_in(_brightness(picture, ground))
        if image is not None:
            return image
    raise UnreadablePhoto(_NO_DIGIT)


def _digit_in(grey: Array) -> Tensor | None:
    """MNIST's image of the digit in a picture, brightness from 0 to 1, [H, W]; None if there is none."""
    brightness = ndimage.gaussian_filter(np.log(grey + DARKNESS), SMOOTHING)
    usual = _usual(brightness)
    # What is narrower than a square vanishes when the square wipes over the picture: the background is left.
    square = round(BROADEST * WORK_SIZE)
    dark = ndimage.grey_closing(brightness, square) - brightness
    light = brightness - ndimage.grey_opening(brightness, square)
    on_light, on_dark = _longest_line(dark, usual - brightness), _longest_line(light, brightness - usual)
    if max(on_light.length, on_dark.length) == 0:
        return None
    if on_light.length > on_dark.length:
        return _redrawn(-np.expm1(-dark), on_light.mask)
    return _redrawn(np.expm1(light), on_dark.mask)


def _opened(data: bytes) -> Image.Image:
    """The picture in a file, RGB or RGBA, its longer side `WORK_SIZE`."""
    if len(data) > MAX_BYTES:
        raise UnreadablePhoto(
            f"This file has {len(data) / 1e6:,.1f} MB, and at most {MAX_BYTES / 1e6:.0f} MB are read. "
            "Crop the picture to the digit, or save it smaller."
        )
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise UnreadablePhoto(_too_many_pixels("more than 170 million")) from None
    except Exception:  # Over damaged files Pillow raises a dozen kinds of error.
        raise UnreadablePhoto(
            "This file is not a picture that can be read, or only a part of one. Save the picture as PNG, JPEG or "
            "WebP, as most phones do when they share a photo."
        ) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadablePhoto(_too_many_pixels(f"{width:,} × {height:,}"))
    try:
        return _decoded(image)
    except Exception:  # As above: it has opened, and may still be damaged further on.
        raise UnreadablePhoto(
            f"This {image.format} file is damaged, or only a part of one. Save or send it again."
        ) from None


def _too_many_pixels(given: str) -> str:
    return (
        f"This picture has {given} pixels, and at most {MAX_PIXELS // 1_000_000} million are read. "
        "Crop it to the digit, or save it smaller."
    )


def _decoded(image: Image.Image) -> Image.Image:
    # So that the conversions below need little memory: a JPEG is not even decoded at its full size.
    image.draft("L", (2 * WORK_SIZE, 2 * WORK_SIZE))
    image.thumbnail((4 * WORK_SIZE, 4 * WORK_SIZE), Image.Resampling.NEAREST)
    if image.mode.startswith("I"):
        # However many of the 16 bits are in use.
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray((values * (255 / max(values.max(), 1))).astype(np.uint8))
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    scale = WORK_SIZE / max(image.size)
    image = image.resize(
        [max(1, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR, reducing_gap=2
    )
    return ImageOps.exif_transpose(image)


def _brightness(image: Image.Image, ground: str) -> Array:
    """Brightness, 0 to 1, float64 [H, W], of a picture with `ground` behind what is transparent."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
    return np.asarray(image.convert("L")) / 255


def _usual(brightness: Array) -> Array:
    """The median brightness of the wider surroundings of each pixel, which is never that of a digit."""
    size = (brightness.shape[1], brightness.shape[0])
    whole = Image.fromarray(brightness.astype(np.float32))
    small = whole.resize([max(1, side * USUAL_SIZE // WORK_SIZE) for side in size], Image.Resampling.BOX)
    median = ndimage.median_filter(np.asarray(small), round(0.6 * USUAL_SIZE))
    return np.asarray(Image.fromarray(median).resize(size, Image.Resampling.BILINEAR), dtype=np.float64)


def _longest_line(contrast: Array, unusual: Array) -> _Line:
    """The digit's line, if ink is what has contrast: the longest line that is no blob, and what belongs to it.

    Args:
        contrast: how much darker each pixel is than its background (or lighter), as a logarithm, [H, W].
        unusual: the same against the usual brightness there, [H, W].
    """
    mask: _Mask = ndimage.grey_closing((contrast > _threshold(contrast)).view(np.uint8), CRACK).view(bool)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)

    def total(of: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What the pixels of each part have together, [parts]; the first is the background."""
        return np.bincount(labels.ravel(), of.ravel(), minlength=count + 1)

    outlines = total(mask & ~ndimage.binary_erosion(mask))
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    on_edge = total(edge)
    sizes = np.array([0] + [max(side.stop - side.start for side in box) for box in boxes])
    # The inside of a 0 has as much contrast to its line as the line to it, but is like the rest of the picture.
    ink = total(unusual) > total(contrast) / 2
    ink &= on_edge <= ALONG_EDGE * sizes
    ink[0] = False

    def longest(among: _Mask, stubbiest: float) -> tuple[int, float]:
        """The longest line and its length in pixels; 0 if there is none."""
        lines = [(0, 0.0)]
        large = np.flatnonzero(ink & among & (sizes >= SMALLEST * WORK_SIZE))
        for part in large[outlines[large].argsort()[::-1][:CANDIDATES]]:
            shape = np.pad(labels[boxes[part - 1]] == part, 1)
            width = _width(shape, _depth(shape))
            if width <= stubbiest * sizes[part]:
                lines.append((int(part), np.count_nonzero(shape) / width))
        return max(lines, key=lambda line: line[1])

    main, length = longest(on_edge == 0, STUBBIEST)
    if not main:
        main, length = longest(on_edge > 0, STUBBIEST_CUT)
    if not main:
        return _Line(np.zeros_like(mask), 0.0)
    shares = outlines / outlines[main]
    lines = (ink & (on_edge == 0) & (shares >= SPECK) & (shares <= 2))[labels] | (labels == main)
    # Parts that are close enough touch when they are widened.
    groups, _ = ndimage.label(ndimage.distance_transform_edt(~lines) <= GAP / 2 * sizes[main])
    return _Line(lines & (groups == groups[labels == main][0]), length)


def _depth(inside: _Mask) -> Array:
    """How far inside a shape each pixel lies, or outside if negative, in pixels, [H, W]."""
    depth: Array = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return depth - np.sign(depth) / 2


def _width(inside: _Mask, depth: Array) -> float:
    """Width of a line in pixels: the depth of its pixels is a quarter of it on the average."""
    return float(min(4 * depth[inside].mean(), 2 * depth.max()))


def _threshold(contrast: Array) -> float:
    """What tells ink from fainter things: N. Otsu, *A Threshold Selection Method from Gray-Level Histograms*, 1979."""
    counts, edges = np.histogram(contrast, bins=100, range=(FAINT, max(contrast.max(), 2 * FAINT)))
    middles = (edges[1:] + edges[:-1]) / 2
    below, above = counts.cumsum()[:-1], counts[::-1].cumsum()[::-1][1:]
    sums = (counts * middles).cumsum()
    with np.errstate(invalid="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return float(edges[1:-1][np.nan_to_num(between).argmax()])


def _redrawn(cover: Array, line: _Mask) -> Tensor:
    """MNIST's image of a line in a picture.

    Args:
        cover: how much each pixel differs from paper, in any unit, [H, W].
        line: the pixels that belong to the digit, [H, W].
    """
    cover = np.where(ndimage.binary_dilation(line, iterations=3), cover / np.percentile(cover[line], 90), 0)
    rows, columns = (np.flatnonzero(line.any(axis=axis)) for axis in (1, 0))
    scale = max(1.0, DIGIT_SIZE / max(np.ptp(rows), np.ptp(columns)))
    cut = Image.fromarray(cover.astype(np.float32)).crop((columns[0] - 4, rows[0] - 4, columns[-1] + 5, rows[-1] + 5))
    cut = cut.resize([round(side * scale) for side in cut.size], Image.Resampling.BILINEAR)
    inside = np.pad(np.asarray(cut) > 0.5, max(cut.size) // 8)
    depth = _depth(inside)
    width = _width(inside, depth)
    y, x = np.nonzero(inside)
    low, high = np.array([x.min(), y.min()]) - 0.5, np.array([x.max(), y.max()]) + 0.5
    # The middle of the line, or of a fat one so much of it that what is drawn is half as wide.
    extent = (high - low).max()
    core = min(width / 2, (width / 4 + PEN / 2 * extent / LINE_BOX) / (1 + PEN / LINE_BOX))
    middle, half = (low + high) / 2, np.maximum(0, (high - low) / 2 - core)
    scale = LINE_BOX / (2 * half.max())

    def distance(pixels: Array) -> Array:
        places = np.moveaxis(pixels, -1, 0)[::-1] / scale
        deep: Array = ndimage.map_coordinates(depth, places, order=1, mode="nearest")
        return np.asarray((core - deep) * scale)

    return ink(distance, (middle - half) * scale, (middle + half) * scale)

"""Drawings and photos of digits → the 28×28 image MNIST would have made of them."""

from mlpcore.drawing.canvas import strokes_from_canvas
from mlpcore.drawing.photo import UnreadablePhoto, image_from_photo
from mlpcore.drawing.strokes import Stroke, draw

__all__ = ["Stroke", "UnreadablePhoto", "draw", "image_from_photo", "strokes_from_canvas"]

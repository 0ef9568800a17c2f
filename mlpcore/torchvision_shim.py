"""The only import of torchvision: ``from mlpcore.torchvision_shim import torchvision``.

`import torchvision` fails with "operator torchvision::nms does not exist" where its binary extension does not
load. That is so on Linux with a CPU build of torch beside PyPI's torchvision, which is linked against CUDA
(https://github.com/pytorch/vision/issues/9077 and 9085): the import describes two operators that only the
extension declares. This module declares them instead, without an implementation, since nothing in this project
calls them. Where the extension loads, it only imports torchvision.
"""

import ctypes
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch

__all__ = ["torchvision"]


def _extension_loads() -> bool:
    """Loads the extension as torchvision itself does, but without running any of torchvision's Python code:
    an import that fails half-way would leave submodules in `sys.modules` and spoil the next one.
    """
    package = find_spec("torchvision")
    extension = PathFinder.find_spec("_C", package.submodule_search_locations) if package else None
    if extension is None or extension.origin is None:
        return False
    try:
        ctypes.CDLL(extension.origin)
    except OSError:
        return False
    return True


# macOS and Windows get extensions that fit their torch; on Windows, loading would also need torchvision's DLL path.
# Streamlit runs this module again after an edit: once torchvision is imported, the operators are declared.
if sys.platform == "linux" and "torchvision" not in sys.modules and not _extension_loads():
    for _operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{_operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

# Not an import statement, which would have to be at the top; torchvision has no types to lose.
torchvision = import_module("torchvision")

"""The one door to torchvision: ``from mlpcore.torchvision_shim import torchvision``.

`import torchvision` fails with "operator torchvision::nms does not exist" where its binary extension does not
load. That is so on Linux with a CPU build of torch beside PyPI's torchvision, which is linked against CUDA
(https://github.com/pytorch/vision/issues/9077 and 9085): the import describes two operators that only the
extension declares. Here they are declared in its stead, without an implementation, since nothing in this
project calls them. Where the extension loads, this module imports torchvision and does nothing else.
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


# Mac and Windows get extensions that fit their torch; on Windows, moreover, loading takes torchvision's DLL
# path. Streamlit runs this module anew after an edit: once torchvision is imported, all is declared already.
if sys.platform == "linux" and "torchvision" not in sys.modules and not _extension_loads():
    for _operator in ("nms", "qnms"):
        torch.library.define(f"torchvision::{_operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

# Not a statement, which would have to stand above; torchvision has no types that this could lose.
torchvision = import_module("torchvision")

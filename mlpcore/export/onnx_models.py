"""A trained model as ONNX, a format that other frameworks, other languages and browsers can run."""

import io
import threading
import warnings

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from mlpcore import datasets
from mlpcore.datasets import normalization, to_input
from mlpcore.models.trained import TrainedModel
from mlpcore.network import MLP, restored

MAX_DIFFERENCE = 1e-4
"""A logit that differs from PyTorch's by this much or more counts as wrong."""

LARGE_LOGIT = 100
"""float32 has about seven digits: with logits above this, the difference may grow in proportion to the largest."""

CHECKED_IMAGES = 1000

INPUT = (
    "float32 [N, 28, 28], any number N of images: 0 is the background and 1 is full ink, as returned by torchvision's "
    "ToTensor."
)
OUTPUT = "float32 [N, 10], the logits: the largest is the answer, softmax turns them into probabilities."


_exporting = threading.Lock()
"""PyTorch's exporter has global settings."""


class NotExportable(Exception):
    """The exported model would give other answers than the original; the message says by how much they differ."""


class _FromToTensor(nn.Module):
    """The network, preceded by the normalization if its experiment has one."""

    def __init__(self, network: MLP, normalize: tuple[float, float] | None) -> None:
        super().__init__()
        self.network = network
        self.normalize = normalize

    def forward(self, images: Tensor) -> Tensor:
        """float32 [N, 28, 28], 0 to 1 → logits, float32 [N, 10]."""
        if self.normalize:
            mean, std = self.normalize
            images = (images - mean) / std
        logits: Tensor = self.network(images)
        return logits


def onnx_bytes(model: TrainedModel) -> bytes:
    """The content of an ``.onnx`` file, checked: onnxruntime gives PyTorch's logits with it for 1,000 test images.

    Its input is ``images``, float32 [N, 28, 28] with any N, 0 for the background and 1 for full ink, as returned by
    torchvision's `ToTensor`; the experiment's normalization, if any, is part of the model. Its output is ``logits``,
    float32 [N, 10]. Title, experiment and test score are in its metadata, as in a model's safetensors file.

    Raises:
        NotExportable: the logits differ by more than float32's rounding.
        DataUnavailable: there are no test images to check the model with.
    """
    content = _exported(model)
    images = datasets.load(model.experiment.data.dataset).test.images[:CHECKED_IMAGES]
    expected = model.logits(images).numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (answered,) = session.run(["logits"], {"images": to_input(images).numpy()})
    difference = float(np.abs(answered - expected).max())
    # Not "greater or equal", which would let a NaN pass.
    if not difference < MAX_DIFFERENCE * max(1, np.abs(expected).max() / LARGE_LOGIT):
        raise NotExportable(
            f"“{model.title}” was not exported: as ONNX, its logits differ from PyTorch's by up to {difference:.2g} on "
            "test images. Export it as safetensors instead."
        )
    return content


def _exported(model: TrainedModel) -> bytes:
    data = model.experiment.data
    # A copy, on the CPU, since the model may be in use.
    weights = {name: tensor.cpu() for name, tensor in model.network.state_dict().items()}
    network = _FromToTensor(
        restored(model.experiment.architecture, weights), normalization(data.dataset) if data.normalize else None
    )
    exported = io.BytesIO()
    with _exporting, warnings.catch_warnings():
        # PyTorch warns that it has a newer exporter. That one patches PyTorch while it works, and aborts trainings in
        # other threads (a KeyError from `zero_grad`, with 2.13); this one does not affect them, bit for bit.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 28, 28),),
            exported,  # type: ignore[arg-type]  # the older exporter accepts this
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "N"}, "logits": {0: "N"}},
            dynamo=False,
        )
    file = onnx.load_from_string(exported.getvalue())
    file.doc_string = f"{model.title}, exported from MLP Lab."
    file.graph.input[0].doc_string, file.graph.output[0].doc_string = INPUT, OUTPUT
    metadata = {
        "title": model.title,
        "experiment": model.experiment.model_dump_json(),
        "test": model.test.model_dump_json(),
    }
    onnx.helper.set_model_props(file, metadata)
    content: bytes = file.SerializeToString()
    return content

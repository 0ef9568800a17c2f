"""A trained model and what is needed to use it: the network, its experiment, and how good it is."""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from mlpcore.datasets import normalization, to_input
from mlpcore.evaluation import Evaluation
from mlpcore.experiment import Experiment
from mlpcore.network import MLP

CONFIDENCE_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""The boundaries between ranges of confidence; finer toward 1, where most answers are."""

_RANGES = len(CONFIDENCE_EDGES) + 1

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Reliability(BaseModel):
    """How often answers in one range of confidence were right: `right` of `images`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Annotated[int, Field(ge=0)]
    right: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _no_more_right_than_images(self) -> Self:
        if self.right > self.images:
            raise ValueError("more right answers than images")
        return self


class Score(BaseModel):
    """A model's score on the 10,000 test images, as stored with the model.

    Attributes:
        loss: mean cross-entropy in nats.
        accuracy: share of the images recognized, 0 to 1.
        interval: 95 % Wilson score interval of that share.
        reliability: one entry for each range of confidence, from below 0.5 to above 0.999.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    accuracy: Share
    interval: tuple[Share, Share]
    reliability: Annotated[tuple[Reliability, ...], Field(min_length=_RANGES, max_length=_RANGES)]

    @model_validator(mode="after")
    def _accuracy_lies_in_its_interval(self) -> Self:
        low, high = self.interval
        if not low <= self.accuracy <= high:
            raise ValueError("the interval does not contain the accuracy")
        return self

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Score":
        """The score from an evaluation."""
        ranges = np.searchsorted(CONFIDENCE_EDGES, evaluation.confidences)
        images = np.bincount(ranges, minlength=_RANGES)
        right = np.bincount(ranges, weights=evaluation.correct, minlength=_RANGES)
        return cls(
            loss=evaluation.loss,
            accuracy=evaluation.accuracy,
            interval=evaluation.interval,
            reliability=tuple(Reliability(images=int(n), right=int(k)) for n, k in zip(images, right, strict=True)),
        )

    def at(self, confidence: float) -> Reliability:
        """How often this model was right when it was about as confident; `confidence` is a probability, 0 to 1."""
        return self.reliability[int(np.searchsorted(CONFIDENCE_EDGES, confidence))]


class _ReadsImages:
    """What a network can do once its experiment is known."""

    experiment: Experiment
    network: MLP

    def inputs(self, images: Tensor) -> Tensor:
        """Images, uint8 [N, 28, 28], as input for the network: float32 [N, 28, 28] on its device."""
        data = self.experiment.data
        device = next(self.network.parameters()).device
        return to_input(images.to(device), normalization(data.dataset) if data.normalize else None)

    def logits(self, images: Tensor) -> Tensor:
        """Logits for images, uint8 [N, 28, 28]: float32 [N, 10] on the CPU, without gradient."""
        with torch.no_grad():
            logits: Tensor = self.network(self.inputs(images)).cpu()
        return logits

    def probabilities(self, images: Tensor) -> Tensor:
        """Probability of each class for images, uint8 [N, 28, 28]: float32 [N, 10] on the CPU, each row adds to 1."""
        return F.softmax(self.logits(images), dim=1)


@dataclass(frozen=True, eq=False)
class Classifier(_ReadsImages):
    """A network in evaluation mode, at any stage of its `experiment`'s training."""

    experiment: Experiment
    network: MLP


@dataclass(frozen=True, eq=False)
class TrainedModel(_ReadsImages):
    """A network ready for use, on any device; any number of threads may use it at once.

    Attributes:
        title: on screen.
        experiment: that made it.
        network: in evaluation mode.
        test: how good it is on the test images.
    """

    title: str
    experiment: Experiment
    network: MLP
    test: Score

"""When to call an answer unsure: if such answers are known to be wrong too often.

A model's probability alone does not tell: some models say 0.99 and mean 0.9. What it is worth is on record for every
model, from the test images. Drawings are harder than these: where a few percent of the answers to test images are
wrong, twice as many of those to pen-drawn digits are.
"""

from mlpcore.models import Score, TrainedModel
from mlpcore.models.trained import CONFIDENCE_EDGES

ENOUGH_RIGHT = 0.95
"""Share of test images that must have been read right where the model was about as sure.

Of 0.8, 0.9, 0.95, 0.975 and 0.99, this and 0.975 tell right answers to pen-drawn digits from wrong ones best, by J
(W. J. Youden 1950: the share of the wrong answers called unsure, less that of the right ones) over the bundled
models, and this calls fewer right answers unsure: `python -m benchmarks.doubt FILE`. The test images give each model's
record, and chose nothing."""


def is_unsure(model: TrainedModel, confidence: float) -> bool:
    """Whether an answer with the probability `confidence`, 0 to 1, is too often wrong for this model to be trusted."""
    return confidence <= doubtful_up_to(model.test, ENOUGH_RIGHT) or not model.test.at(confidence).images


def doubtful_up_to(score: Score, enough: float) -> float:
    """The highest confidence that is too often wrong. All below counts as such, since few images are less sure."""
    upper_edges = (*CONFIDENCE_EDGES, 1.0)
    doubtful = (
        edge
        for edge, record in zip(upper_edges, score.reliability, strict=True)
        if record.right < enough * record.images
    )
    return max(doubtful, default=0.0)

"""What tutorials claim about neural networks, each as an experiment that takes a few minutes.

A claim asks for a prediction, trains and measures, and states the result from the numbers that were measured.
"""

from mlpcore.claims.batch_size import BATCH_SIZE
from mlpcore.claims.capacity import CAPACITY
from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.claims.cost import COST
from mlpcore.claims.optimizers import OPTIMIZERS
from mlpcore.claims.order import ORDER
from mlpcore.claims.overfitting import OVERFITTING

CLAIMS: dict[str, Claim] = {claim.name: claim for claim in [CAPACITY, OVERFITTING, COST, ORDER, BATCH_SIZE, OPTIMIZERS]}
"""All claims by name, in the order of the screen."""

__all__ = ["CLAIMS", "Chart", "Claim", "Finding", "Training"]

"""What tutorials claim about neural networks, each as an experiment that anybody can repeat within two minutes.

A claim asks for a prediction, trains and measures, and says what came out, from the figures that came out.
"""

from mlpcore.claims.claim import Chart, Claim, Finding, Training

__all__ = ["Chart", "Claim", "Finding", "Training"]

"""Experiments for tests of what trains in the background."""

from mlpcore.experiment import Experiment, experiment_from_fields


def small(**fields: object) -> Experiment:
    """A fraction of a second."""
    return experiment_from_fields({"hidden": [16], "train_size": 1000, "validation": 100, "epochs": 1, **fields})


def endless(**fields: object) -> Experiment:
    """Longer than any test."""
    return small(**{"epochs": 1000, "train_size": 10_000, **fields})

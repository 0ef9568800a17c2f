"""Inside a model: what its answers rest on."""

from mlpcore.inspection.attribution import METHODS, Account, Method, Target, closest_contest, votes

__all__ = ["METHODS", "Account", "Method", "Target", "closest_contest", "votes"]

"""Everything MLP Lab knows about training multi-layer perceptrons; works without the app."""

__version__ = "1.0"
"""Raised whenever an unchanged experiment may give other numbers than before: stored results name it."""

"""Everything MLP Lab knows about training multi-layer perceptrons; works without the app."""

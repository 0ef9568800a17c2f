"""The pieces of the Inside page."""

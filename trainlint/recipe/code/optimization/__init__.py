"""Optimizers, what changes their rate, and the order around an update."""

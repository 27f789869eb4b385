"""The learning rate over a run."""

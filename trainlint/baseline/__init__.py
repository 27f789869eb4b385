"""Findings that a project has agreed to live with for now: the baseline, and what stands in it."""

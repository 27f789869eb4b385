"""Hyper-parameter searches that a program runs."""

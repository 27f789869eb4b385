"""Resolving terms across a program."""

"""Configs written as Python modules, read as documents: nothing of them is executed."""

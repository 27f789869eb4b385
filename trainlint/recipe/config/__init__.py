"""Recipes of config files."""

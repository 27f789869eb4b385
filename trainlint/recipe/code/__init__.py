"""Recipes of programs, from their code."""

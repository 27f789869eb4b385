"""Fixing: what makes the fixes of findings, and what applies them."""

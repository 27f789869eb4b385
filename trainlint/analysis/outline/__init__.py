"""The first look at a Python file: units, symbols, imports."""

"""Reading Python: outlines, names, closely read units, values."""

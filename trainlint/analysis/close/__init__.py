"""The close reading of a unit: slices, terms, the interpreter."""

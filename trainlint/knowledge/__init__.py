"""Facts as data: frameworks (base), config formats (formats). Importing this package loads nothing."""

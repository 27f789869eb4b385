"""Bytes to documents whose every node knows its span: Python source, notebooks, YAML, JSON, TOML."""

"""Judgements that need code, one module per family."""

"""The numeric analysis: abstract values, guards, and sites that may go wrong."""

"""Rule pages: reading, checking, compiling, and what their conditions and messages mean."""

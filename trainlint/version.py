"""The version, as in pyproject.toml: to ask the installed metadata takes longer than all the rest."""

VERSION = "0.1.0"

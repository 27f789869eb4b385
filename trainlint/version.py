"""The version, also in pyproject.toml: asking the installed metadata takes longer than the rest of `--version`."""

VERSION = "0.1.0"

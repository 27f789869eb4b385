"""Where `trainlint` and `python -m trainlint` begin: an interrupt is quiet from here on."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> int:
    """Runs the command line and returns its exit code."""
    try:
        from trainlint.cli import main as run  # noqa: PLC0415 - its imports can be interrupted too

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

"""Where `trainlint` and `python -m trainlint` begin."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

INTERRUPTED = 130


def main() -> int:
    """Runs the command line and returns its exit code. Interrupts are quiet, early and second ones too."""
    try:
        _leave_working_folder()
        from trainlint.cli import main as run  # noqa: PLC0415 - its imports can be interrupted too

        code = run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    if code == INTERRUPTED:
        # Python would tell in which of its last steps the next one came.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _leave_working_folder() -> None:
    """`python -m` looks for modules where it is started, often in the project, whose code must not run."""
    own = str(Path(__file__).parents[1])
    if sys.path and sys.path[0] in ("", str(Path.cwd())) and sys.path[0] != own:
        del sys.path[0]


if __name__ == "__main__":
    sys.exit(main())

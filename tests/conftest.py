"""What all tests share: how the process stands towards signals."""

from __future__ import annotations

import signal

# A shell that starts the tests in the background has them ignore interrupts, and so would the programs they
# start, which are to be interrupted. A signal that is handled here is not ignored there.
signal.signal(signal.SIGINT, signal.default_int_handler)

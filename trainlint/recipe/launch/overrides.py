"""What the launch lines of a program agree on."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.recipe.launch.lines import Given, Launch
from trainlint.recipe.model import Link, State, Value


class Overrides:
    """The launch lines that start one entry file."""

    def __init__(self, lines: Sequence[Launch], entry: str, devices: int | None = None) -> None:
        self.lines = [line for line in lines if line.entry == entry]
        self._devices = devices

    def option(self, flags: Sequence[str]) -> list[Given]:
        """What every launch line gives for an option; nothing if one of them leaves the default."""
        found = []
        for line in self.lines:
            given = next((line.options[flag] for flag in flags if flag in line.options), None)
            if given is None:
                return []
            found.append(given)
        return found

    def override(self, key: str) -> list[Given]:
        """What every launch line gives for a key of the config (`optimizer.lr=0.1`)."""
        found = [line.overrides[key] for line in self.lines if key in line.overrides]
        return found if len(found) == len(self.lines) else []

    def devices(self) -> Value | None:
        """`batch.devices`: the setting, else the world size of the launch lines; None where nothing says."""
        if self._devices is not None:
            return Value(self._devices, State.INHERITED, "devices", reason="the setting `devices`")
        counts = [line.processes for line in self.lines]
        if not any(line.launcher for line in self.lines):
            return None
        first = self.lines[0]
        if len(set(counts)) == 1 and counts[0] is not None:
            label = f"{first.launcher} starts {counts[0]} processes"
            chain = (Link(first.span, label),)
            return Value(counts[0], State.DERIVED, "devices", first.span, chain, reason="as launched")
        known = tuple(dict.fromkeys(count for count in counts if count is not None))
        reason = "the launch lines differ, or one does not say how many processes it starts"
        return Value(None, State.UNKNOWN, "devices", first.span, reason=reason, choices=known)

"""What the checks of `unit` pages are given: one unit's facts and the project around it."""

from __future__ import annotations

import msgspec

from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex


class UnitView(msgspec.Struct, frozen=True):
    """A unit that was read closely."""

    facts: UnitFacts
    index: ProjectIndex

    @property
    def outline(self) -> Outline:
        """The file the unit stands in, at a glance."""
        return self.index.outlines[self.facts.path]

"""Writes docs/rules.md, the index of all rules: python docs/rule_index.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "rules.md"

HEAD = """\
# Rules

Made from `rules/` by `python docs/rule_index.py`; a test keeps it current. A rule with several
severities grades each finding by what surrounds it; its page says how. `trainlint explain RULE` prints it.
"""

COLUMNS = "| rule | severity | reports | fix | options |\n|---|---|---|---|---|\n"


def rule_index() -> str:
    """The text of docs/rules.md as the pages of this checkout have it. Raises SystemExit for broken pages."""
    parts = [HEAD]
    family = ""
    for rule in _rules():
        if rule["family"] != family:
            family = rule["family"]
            parts.append(f"\n## {family}\n\n{COLUMNS}")
        status = "" if rule["status"] == "stable" else f" ({rule['status']})"
        link = f"[{rule['rule']}](../rules/{family}/{rule['rule']}.md){status}"
        options = ", ".join(f"`{name}` = {json.dumps(value)}" for name, value in rule["options"].items())
        fix = "–" if rule["fixable"] == "none" else rule["fixable"]
        cells = (link, ", ".join(rule["severities"]), rule["summary"], fix, options or "–")
        parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def _rules() -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "trainlint", "rules", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode or done.stderr:
        raise SystemExit(done.stderr)
    rules: list[dict[str, Any]] = json.loads(done.stdout)
    return rules


if __name__ == "__main__":
    INDEX.write_text(rule_index(), encoding="utf-8")

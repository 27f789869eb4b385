"""Brings the generated parts of README.md up to date: python docs/refresh.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def refreshed(text: str) -> str:
    """The text with every generated part made anew."""
    for name, make in (("demo", demo), ("rules", rules)):
        block = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        found = block.search(text)
        if found is not None:
            text = text[: found.start()] + make() + text[found.end() :]
    return text


def demo() -> str:
    """What trainlint prints about fixtures/demo."""
    command = [sys.executable, "-m", "trainlint", "fixtures/demo", "--color", "never"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 1 or done.stderr:
        raise RuntimeError(done.stderr or "nothing was found in fixtures/demo")
    return f"```text\n{done.stdout}```\n"


def rules() -> str:
    """A table of the rules, each linked to its page."""
    from trainlint.rulebook.loading import load_rulebook  # noqa: PLC0415 - the checkout's, whatever is installed

    rows = [
        f"| {rule.family} | [{rule.name}](rules/{rule.family}/{rule.name}.md) | {rule.summary} |"
        for rule in load_rulebook().rules.values()
    ]
    return "\n".join(["| family | rule | reports |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")

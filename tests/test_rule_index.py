from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_rule_index_says_what_the_pages_say() -> None:
    made = runpy.run_path(str(DOCS / "rule_index.py"))["rule_index"]()
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == made, "run: python docs/rule_index.py"


def test_links_lead_to_pages() -> None:
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    links = [part.partition(")")[0] for part in text.split("](")[1:]]
    assert links
    assert [link for link in links if not (DOCS / link).is_file()] == []

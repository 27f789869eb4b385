"""Which keys a closed config schema knows: python scripts/key_tables.py FOLDER…

Writes `trainlint/knowledge/keys/<package>.json` from the releases found in the folders: wheels, source
archives or unpacked trees called `name-version`. Their sources are parsed, nothing of them is imported.
For every key the table says which types its field takes, since and until which of these releases it is known,
and what took its place.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from key_readers import FILES, READERS, Read
from release_sources import releases

TARGET = Path(__file__).parent.parent / "trainlint" / "knowledge" / "keys"


def main(argv: list[str] | None = None) -> int:
    """Write a table for each package of which releases were found; 2 where there is none."""
    folders = [Path(each) for each in (argv if argv is not None else sys.argv[1:])]
    tables: dict[str, dict[str, Read]] = {}
    for release in releases(folders, FILES):
        read = READERS[release.name](release)
        print(f"{release.name} {release.version}: {len(read.keys)} keys, {len(read.renamed)} renamed")
        if read.keys:
            tables.setdefault(release.name, {})[release.version] = read
    TARGET.mkdir(exist_ok=True)
    for name, versions in tables.items():
        text = json.dumps(table(name, versions), indent=1, ensure_ascii=False)
        (TARGET / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0 if tables else 2


def table(name: str, versions: dict[str, Read]) -> dict[str, object]:
    """The table of one package: the releases, oldest first, and every key with what is known of it.

    `since` is the first release that knows a key, where that is not the oldest; `until` the first that no
    longer does, where that is not beyond the newest. A key that went and came back counts as never gone.
    `inner` is a key that no schema of any release has.
    """
    ordered = sorted(versions, key=lambda version: [int(part) for part in version.split(".")])
    keys: dict[str, dict[str, object]] = {}
    for key in sorted({key for version in ordered for key in versions[version].keys}):
        holding = [position for position, version in enumerate(ordered) if key in versions[version].keys]
        held = [versions[ordered[position]].keys[key] for position in holding]
        entry: dict[str, object] = {}
        if all(held):
            entry["types"] = sorted(frozenset().union(*held))
        if holding[0] > 0:
            entry["since"] = ordered[holding[0]]
        if holding[-1] + 1 < len(ordered):
            entry["until"] = ordered[holding[-1] + 1]
        names = [versions[version].renamed[key] for version in ordered if key in versions[version].renamed]
        if names:
            entry["renamed"] = names[-1]
        if all(key in versions[ordered[position]].inner for position in holding):
            entry["inner"] = True
        keys[key] = entry
    return {"format": name, "versions": ordered, "keys": keys}


if __name__ == "__main__":
    sys.exit(main())

"""What is installed works from anywhere: pages and compiled data are in every wheel, the sdist's too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

CHECKOUT = Path(__file__).parents[1]
PROBE = """
import json, sys
import trainlint
from trainlint.rulebook.loading import load_rulebook, rules_directory
book = load_rulebook()
print(json.dumps({
    "package": trainlint.__file__,
    "rules": sorted(book.rules),
    "errors": [str(error) for error in book.errors],
    "pages": str(rules_directory()),
    "parsers": sorted({"yaml", "jsonschema", "libcst"} & sys.modules.keys()),
}))
"""


def copy_of_checkout(target: Path) -> Path:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a checkout")
    command = ["git", "-C", str(CHECKOUT), "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)
    return target


def build(source: Path, kind: str, target: Path) -> Path:
    target.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = target.iterdir()
    return file


def probe(site: Path, cwd: Path) -> dict[str, object]:
    """What the package in `site` says, run from another folder that has a `rules` of its own."""
    (cwd / "rules" / "udev").mkdir(parents=True, exist_ok=True)
    (cwd / "rules" / "udev" / "usb.md").write_text("# Not ours\n")
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    assert answer["package"] == str(site / "trainlint" / "__init__.py")
    return answer


def test_wheel_and_wheel_of_the_sdist_bring_pages_and_compiled_data(tmp_path: Path) -> None:
    source = copy_of_checkout(tmp_path / "source")
    with tarfile.open(build(source, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    expected = sorted(page.stem for page in (CHECKOUT / "rules").glob("*/*.md"))
    for name, tree in (("wheel", source), ("again", unpacked)):
        site = tmp_path / f"site-{name}"
        with zipfile.ZipFile(build(tree, "wheel", tmp_path / name)) as archive:
            archive.extractall(site)
        answer = probe(site, tmp_path / "elsewhere")
        assert answer["rules"] == expected
        assert (answer["errors"], answer["parsers"]) == ([], [])
        assert answer["pages"] == str(site / "trainlint" / "rules")
        compiled = site / "trainlint" / "knowledge" / "compiled"
        assert sorted(file.name for file in compiled.iterdir()) == ["formats.json", "knowledge.json"]


def test_a_checkout_is_found_from_elsewhere(tmp_path: Path) -> None:
    source = copy_of_checkout(tmp_path / "source")
    (tmp_path / "elsewhere").mkdir()
    first = probe(source, tmp_path / "elsewhere")
    assert first["pages"] == str(source / "rules")
    assert probe(source, tmp_path / "elsewhere")["parsers"] == []


def test_a_broken_page_stops_the_build(tmp_path: Path) -> None:
    source = copy_of_checkout(tmp_path / "source")
    (source / "rules" / "data" / "broken.md").write_text("---\nrule: broken\n---\n")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "broken.md:" in done.stdout + done.stderr

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.discovery.paths import canonical, pattern_form, posix_form, relative_form


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"C:\work\train.py", "C:/work/train.py"),
        (r"c:\work\.\cfg\..\train.py", "C:/work/train.py"),
        ("c:/work//train.py", "C:/work/train.py"),
        (r"\\server\share\run\a.yaml", "//server/share/run/a.yaml"),
        (r"\\?\C:\very\long", "C:/very/long"),
        (r"\\?\UNC\server\share\x", "//server/share/x"),
        (r"configs\big.yaml", "configs/big.yaml"),
        ("", ""),
    ],
)
def test_windows_forms_become_posix(written: str, expected: str) -> None:
    assert posix_form(written, windows=True) == expected


def test_a_backslash_is_an_ordinary_character_elsewhere() -> None:
    assert posix_form("dir/odd\\name.py", windows=False) == "dir/odd\\name.py"


@pytest.mark.parametrize(
    ("path", "start", "expected"),
    [
        (r"C:\p\src\a.py", r"C:\p", "src/a.py"),
        (r"c:\P\src\a.py", r"C:\p", "src/a.py"),
        (r"C:\p\a.py", r"C:\p\sub", "../a.py"),
        (r"D:\data\a.py", r"C:\p", "D:/data/a.py"),
        (r"\\srv\share\a.py", r"C:\p", "//srv/share/a.py"),
        (r"\\srv\share\x\a.py", r"\\srv\share", "x/a.py"),
    ],
)
def test_relative_on_windows(path: str, start: str, expected: str) -> None:
    assert relative_form(path, start, windows=True) == expected


def test_relative_on_posix() -> None:
    assert relative_form("/p/src/a.py", "/p", windows=False) == "src/a.py"
    assert relative_form("/q/a.py", "/p/x", windows=False) == "../../q/a.py"


names = st.text("abcXYZ019_-. é", min_size=1, max_size=6).filter(lambda n: n.strip(". ") == n and n)


@given(st.lists(names, min_size=1, max_size=5), st.lists(names, max_size=3))
def test_windows_relative_paths_lead_back(parts: list[str], base: list[str]) -> None:
    path, start = "C:\\" + "\\".join(base + parts), "C:\\" + "\\".join(base)
    found = relative_form(path, start, windows=True)
    assert "\\" not in found
    assert PureWindowsPath(start, found) == PureWindowsPath(path)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"src\gen\*.py", "src/gen/*.py"),
        ("./legacy", "/legacy"),
        (r"C:\proj\legacy", "/legacy"),
        (r"c:\PROJ\legacy\\".rstrip("\\") + "\\", "/legacy/"),
        (r"!keep\me.py", "!keep/me.py"),
        (r"D:\other\x", "D:/other/x"),
        (r"C:\project2\x", "C:/project2/x"),
        ("*.py", "*.py"),
    ],
)
def test_patterns_on_windows(pattern: str, expected: str) -> None:
    assert pattern_form(pattern, r"C:\proj", windows=True) == expected


def test_a_unc_pattern_below_the_root() -> None:
    assert pattern_form(r"\\srv\share\proj\gen", r"\\srv\share\proj", windows=True) == "/gen"


def test_patterns_on_posix() -> None:
    assert pattern_form("/home/me/proj/gen", "/home/me/proj", windows=False) == "/gen"
    assert pattern_form("/gen", "/home/me/proj", windows=False) == "/gen"
    assert pattern_form("src\\gen", "/home/me/proj", windows=False) == "src/gen"


def test_canonical_resolves_folders_and_keeps_a_linked_file(tmp_path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.py").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "b.py").symlink_to("a.py")
    root = canonical(tmp_path)
    assert canonical(tmp_path / "link" / "a.py") == f"{root}/real/a.py"
    assert canonical(tmp_path / "real" / "b.py") == f"{root}/real/b.py"

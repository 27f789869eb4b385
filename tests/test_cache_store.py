"""A cache that is damaged, somebody else's, locked, on a full disk or half written: cold, and never wrong."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import UNSHUFFLED

from trainlint.cache import store as stores
from trainlint.cache.coding import decode, encode
from trainlint.cache.folder import DATABASE, FOLDER, TAG_FILE, FolderError, clean
from trainlint.cache.store import KEPT_DAYS, Store
from trainlint.findings import Notice
from trainlint.linter import lint
from trainlint.output.json import to_json
from trainlint.settings.model import Settings

VALUES = {bytes([number]) * 16: bytes([number + 1]) * 700 * number for number in range(1, 30)}
ONE = Settings(jobs=1, select=("unshuffled-training-data", "unguarded-sqrt"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path / FOLDER)
    for key, value in VALUES.items():
        store.put(key, "some", value)
    store.save()
    store.close()
    return tmp_path / FOLDER


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "trainlint.toml").write_text("")
    (root / "train.py").write_text(UNSHUFFLED)
    (root / "norm.py").write_text("import torch\n\n\ndef f(x):\n    return torch.sqrt((x ** 2).sum())\n")
    return root


def held(folder: Path) -> dict[bytes, bytes]:
    store = Store(folder)
    found = store.get_many(list(VALUES))
    store.close()
    return found


def replaced(folder: Path) -> bool:
    """Whether a run after the next can store and read again."""
    for _ in range(2):
        store = Store(folder)
        store.get_many(list(VALUES))
        store.put(b"k", "some", b"v")
        store.save()
        store.close()
    store = Store(folder)
    found = store.get(b"k")
    store.close()
    return found == b"v"


def test_what_is_stored_is_found(folder: Path) -> None:
    assert held(folder) == VALUES
    assert (folder / TAG_FILE).read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    assert (folder / ".gitignore").read_text() == "*\n"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 255)), min_size=1, max_size=6))
def test_flipped_bytes_cost_values_and_change_none(folder: Path, flips: list[tuple[int, int]]) -> None:
    file = folder / DATABASE
    whole = file.read_bytes()
    data = bytearray(whole)
    for at, mask in flips:
        data[at % len(data)] ^= mask
    try:
        file.write_bytes(bytes(data))
        found = held(folder)
        assert all(VALUES[key] == value for key, value in found.items())
    finally:
        for each in folder.glob(DATABASE + "*"):
            each.unlink()
        file.write_bytes(whole)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_a_flipped_byte_changes_no_report(project: Path, at: int, mask: int) -> None:
    plain = to_json(lint([project], ONE))
    assert to_json(lint([project], ONE, cached=True)) == plain
    file = project / FOLDER / DATABASE
    data = bytearray(file.read_bytes())
    data[at % len(data)] ^= mask
    file.write_bytes(bytes(data))
    assert to_json(lint([project], ONE, cached=True)) == plain
    (project / "train.py").write_text(UNSHUFFLED + "\n" * (at % 7))
    assert to_json(lint([project], ONE, cached=True)) == to_json(lint([project], ONE))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 99, 100, 512, 4095, 4096, 4097, 9000, 20_000])
def test_a_truncated_file(folder: Path, size: int) -> None:
    file = folder / DATABASE
    file.write_bytes(file.read_bytes()[:size])
    assert all(VALUES[key] == value for key, value in held(folder).items())
    assert replaced(folder)


def foreign_text(place: Path) -> None:
    place.write_text("This is a diary.\n" * 500)


def foreign_folder(place: Path) -> None:
    place.mkdir()


def link_in_a_circle(place: Path) -> None:
    place.symlink_to(place.name)


def link_elsewhere(place: Path) -> None:
    other = place.parent.parent / "other.db"
    other.write_text("somebody else's")
    place.symlink_to(other)


def huge_file(place: Path) -> None:
    with place.open("wb") as stream:
        stream.truncate(50 * 2**30)


def pipe(place: Path) -> None:
    os.mkfifo(place)


def other_table(place: Path) -> None:
    with sqlite3.connect(place) as database:
        database.execute("CREATE TABLE entries (key, value)")


def endless_view(place: Path) -> None:
    """Looking into it would take for ever."""
    with sqlite3.connect(place) as database:
        database.execute(
            "CREATE VIEW entries AS WITH RECURSIVE n(key, kind, used, digest, value) AS "
            "(SELECT 1, 2, 3, 4, 5 UNION ALL SELECT key + 1, 2, 3, 4, 5 FROM n) SELECT * FROM n"
        )


def ours_with_a_trigger(place: Path) -> None:
    with sqlite3.connect(place) as database:
        database.execute(stores.SCHEMA)
        database.execute(
            "CREATE TRIGGER t AFTER INSERT ON entries BEGIN UPDATE entries SET value = x'00'; END"
        )


FOREIGN: list[Callable[[Path], None]] = [
    foreign_text,
    foreign_folder,
    link_in_a_circle,
    link_elsewhere,
    huge_file,
    pipe,
    other_table,
    endless_view,
    ours_with_a_trigger,
]


@pytest.mark.parametrize("make", FOREIGN)
def test_somebody_elses_file(folder: Path, make: Callable[[Path], None]) -> None:
    (folder / DATABASE).unlink()
    try:
        make(folder / DATABASE)
    except (OSError, AttributeError) as error:
        pytest.skip(f"not to be had here: {error}")
    assert held(folder) == {}
    assert replaced(folder)
    other = folder.parent / "other.db"
    assert not other.exists() or other.read_text() == "somebody else's"


@pytest.mark.parametrize("make", FOREIGN)
def test_somebody_elses_file_changes_no_report(project: Path, make: Callable[[Path], None]) -> None:
    plain = to_json(lint([project], ONE, cached=True))
    (project / FOLDER / DATABASE).unlink()
    try:
        make(project / FOLDER / DATABASE)
    except (OSError, AttributeError) as error:
        pytest.skip(f"not to be had here: {error}")
    assert [to_json(lint([project], ONE, cached=True)) for _ in range(2)] == [plain, plain]


@pytest.mark.parametrize("made", ["link", "full", "file", "foreign tag"])
def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, project: Path, made: str) -> None:
    target = tmp_path / "mine"
    if made == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "diary.txt").write_text("mine")
        if made == "foreign tag":
            (target / TAG_FILE).write_text("Signature: 8a477f597d28d172789f06886806bc55\n# of another tool\n")
    before = sorted(tmp_path.rglob("*"))
    (project / FOLDER).symlink_to(target) if made == "link" else None
    chosen = None if made == "link" else str(target)
    remarks: list[str] = []
    settings_ = Settings(jobs=1, select=ONE.select, cache_dir=chosen)
    report = lint([project], settings_, cached=True, remarks=remarks)
    assert to_json(report) == to_json(lint([project], ONE))
    assert len(remarks) == 1
    (project / FOLDER).unlink(missing_ok=True)
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(FolderError):
        clean(target)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_made(project: Path, monkeypatch) -> None:
    def refuses(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuses)
    remarks: list[str] = []
    report = lint([project], ONE, cached=True, remarks=remarks)
    assert to_json(report) == to_json(lint([project], ONE))
    assert "Permission denied" in remarks[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(folder: Path) -> None:
    (folder / DATABASE).chmod(0o444)
    folder.chmod(0o555)
    try:
        assert held(folder) == VALUES
        store = Store(folder)
        store.put(b"k", "some", b"v")
        store.save()
        assert "readonly" in store.problem
    finally:
        folder.chmod(0o755)


def test_a_full_disk(project: Path, monkeypatch) -> None:
    plain = stores._connect

    def full(place: Path) -> sqlite3.Connection:
        database = plain(place)
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(stores, "_connect", full)
    remarks: list[str] = []
    report = lint([project], ONE, cached=True, remarks=remarks)
    assert to_json(report) == to_json(lint([project], ONE))
    assert "full" in remarks[0]
    monkeypatch.setattr(stores, "_connect", plain)
    assert held(project / FOLDER) == {}


def test_a_store_that_is_locked(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(stores, "_PATIENCE", 0.01)
    other = sqlite3.connect(folder / DATABASE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = Store(folder)
    assert "locked" in store.problem
    store.put(b"k", "some", b"v")
    store.save()
    other.rollback()
    other.close()
    assert held(folder) == VALUES


def test_a_store_that_vanishes(folder: Path) -> None:
    store = Store(folder)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    store.put(b"k", "some", b"v")
    store.save()
    store.get_many(list(VALUES))
    store.close()
    assert held(folder) == {}


def test_what_nobody_asks_for_is_forgotten(folder: Path, monkeypatch) -> None:
    asked, day = next(iter(VALUES)), 86_400
    start = time.time()
    for days in range(1, KEPT_DAYS + 4):
        now = start + days * day + 60 * days
        monkeypatch.setattr(stores.time, "time", lambda now=now: now)
        store = Store(folder)
        store.get(asked)
        store.save()
        store.close()
    assert held(folder) == {asked: VALUES[asked]}


def test_of_a_kind_with_a_bound_the_newest_stay(folder: Path, monkeypatch) -> None:
    start = time.time()
    for number in range(9):
        monkeypatch.setattr(stores.time, "time", lambda number=number: start + number)
        store = Store(folder)
        store.put(bytes([number]), "report", b"x")
        store.save({"report": 4})
        store.close()
    store = Store(folder)
    assert sorted(store.get_many([bytes([number]) for number in range(9)])) == [b"\5", b"\6", b"\7", b"\10"]
    assert store.get_many(list(VALUES)) == VALUES
    store.close()


@pytest.mark.parametrize(
    "value", [[Notice("a.py", 1, "kind", "text")], [Notice("\udc80.py", 1, "", "\ud800")]]
)
def test_values_come_back(value: list[Notice]) -> None:
    data = encode(value)
    assert decode(data, list[Notice]) == value
    assert decode(data[:-1], list[Notice]) is None
    assert decode(data, dict[str, int]) is None
    assert decode(b"", list[Notice]) is None
    assert decode(None, list[Notice]) is None


RUN = """\
import sys
from pathlib import Path
from trainlint.cache.store import Store
store = Store(Path(sys.argv[1]))
for turn in range(40):
    for number in range(25):
        store.put(bytes([number]) * 9, "some", bytes([number]) * 5000)
    store.save()
    found = store.get_many([bytes([number]) * 9 for number in range(25)])
    assert all(value == key[:1] * 5000 for key, value in found.items())
print(store.problem)
"""


def test_several_runs_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(tmp_path / FOLDER)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        _, error = process.communicate()
        assert (process.returncode, error) == (0, b"")
    store = Store(tmp_path / FOLDER)
    assert len(store.get_many([bytes([n]) * 9 for n in range(25)])) == 25
    store.close()


KILLED = """\
import os, sqlite3, sys
from pathlib import Path
from trainlint.cache import folder, store
from trainlint.linter import lint
from trainlint.settings.model import Settings

left = int(sys.argv[2])

def step(*_):
    global left
    left -= 1
    if left < 0:
        os._exit(77)

plain = store._connect

def connect(place):
    step()
    database = plain(place)
    database.set_progress_handler(step, 40)
    database.set_trace_callback(step)
    return database

store._connect = connect
write = Path.write_bytes

def in_halves(self, data):
    step()
    write(self, data[: len(data) // 2])
    step()
    return write(self, data)

Path.write_bytes = in_halves
settings = Settings(jobs=1, select=("unshuffled-training-data", "unguarded-sqrt"))
lint([Path(sys.argv[1])], settings, cached=True)
"""


def test_killed_at_any_point_of_writing(project: Path) -> None:
    plain = to_json(lint([project], ONE))
    killed = 0
    for point in (*range(12), 14, 17, 21, 26, 32, 40, 60, 90, 140, 10_000):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(project), str(point)], capture_output=True, check=False
        )
        assert done.returncode in (0, 77), done.stderr
        killed += done.returncode == 77
        remarks: list[str] = []
        assert to_json(lint([project], ONE, cached=True, remarks=remarks)) == plain
        assert remarks == []
        assert to_json(lint([project], ONE, cached=True)) == plain
        if point < 10_000:
            for file in (project / FOLDER).iterdir():
                file.unlink()
            if point % 2:
                (project / FOLDER).rmdir()
    assert done.returncode == 0
    assert killed > 10

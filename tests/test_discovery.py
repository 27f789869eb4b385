from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from trainlint.discovery import projects as discovery
from trainlint.discovery.projects import PathError, Project, discover, find_root
from trainlint.settings.model import Settings, SettingsError


def make(root: Path, *files: str, **texts: str) -> None:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for name, text in texts.items():
        (root / name).write_text(text)


def write(root: Path, file: str, text: str) -> None:
    make(root, file)
    (root / file).write_text(text)


def only(*paths: Path, **options) -> Project:
    (project,) = discover(paths, **options).projects
    return project


def context(project: Project) -> list[str]:
    return [file.path for file in project.context]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    return root


def test_languages_and_order(repo: Path) -> None:
    make(repo, "b.py", "a.ipynb", "c/x.yaml", "c/y.yml", "d.json", "e.toml", "types.pyi", "notes.md", "UP.PY")
    project = only(repo)
    assert [(file.path, file.language) for file in project.context] == [
        ("UP.PY", "python"),
        ("a.ipynb", "notebook"),
        ("b.py", "python"),
        ("c/x.yaml", "yaml"),
        ("c/y.yml", "yaml"),
        ("d.json", "json"),
        ("e.toml", "toml"),
    ]
    assert project.named == frozenset(context(project))


def test_default_rules_skip_what_is_not_the_projects_own_code(repo: Path) -> None:
    make(
        repo,
        "train.py",
        ".hidden/a.py",
        ".pre-commit-config.yaml",
        "node_modules/a.json",
        "lib/site-packages/a.py",
        "third_party/a.py",
        "vendor/a.py",
        "build/lib/a.py",
        "dist/a.py",
        "__pycache__/a.py",
        "tests/train.py",
        "pkg/test/a.py",
        "pkg/test_model.py",
        "pkg/model_test.py",
        "conftest.py",
        "pkg.egg-info/a.json",
        "myenv/pyvenv.cfg",
        "myenv/a.py",
        "conda/conda-meta/history",
        "conda/a.py",
    )
    assert context(only(repo)) == ["train.py"]


def test_packages_and_scripts_with_unlucky_names_are_own_code(repo: Path) -> None:
    make(repo, "pkg/build/__init__.py", "pkg/build/a.py", "pkg/wandb/__init__.py", "test.py", "env/gym.py")
    assert context(only(repo)) == [
        "env/gym.py",
        "pkg/build/__init__.py",
        "pkg/build/a.py",
        "pkg/wandb/__init__.py",
        "test.py",
    ]


@pytest.mark.parametrize(
    "path", [".hidden/a.py", "vendor/a.py", "tests/test_a.py", "ignored.py", "out/deep/a.py", "build/a.py"]
)
def test_a_named_file_is_always_taken(repo: Path, path: str) -> None:
    make(repo, "train.py", path)
    write(repo, ".gitignore", "ignored.py\nout/\n")
    project = only(repo / path)
    assert project.named == {path}
    assert context(project) == sorted(["train.py", path])


@pytest.mark.parametrize("folder", [".hidden", "vendor", "tests", "out", "build/lib", "a/out/b"])
def test_a_named_folder_is_always_taken(repo: Path, folder: str) -> None:
    make(repo, "train.py", f"{folder}/a.py", f"{folder}/sub/b.py", f"{folder}/node_modules/c.py")
    write(repo, ".gitignore", "out/\n")
    project = only(repo / folder)
    assert project.named == {f"{folder}/a.py", f"{folder}/sub/b.py"}


def test_inside_a_named_test_folder_test_files_count(repo: Path) -> None:
    make(repo, "train.py", "tests/test_a.py", "tests/conftest.py")
    assert only(repo / "tests").named == {"tests/test_a.py", "tests/conftest.py"}
    assert only(repo).named == {"train.py"}


def test_an_ignored_named_folder_still_heeds_other_patterns(repo: Path) -> None:
    make(repo, "out/a.py", "out/b.tmp.py", "out/c.gen.py")
    write(repo, ".gitignore", "*.tmp.py\n")
    write(repo, "out/.gitignore", "*.gen.py\n")
    assert only(repo / "out").named == {"out/a.py"}


def test_nested_gitignore_negation_and_folder_patterns(repo: Path) -> None:
    make(
        repo,
        "a.py",
        "keep.py",
        "sub/a.py",
        "sub/keep.py",
        "logs/x.py",
        "sub/logs",
        "sub/deep/a.py",
        "sub/deep/only.py",
    )
    write(repo, ".gitignore", "a.py\n/keep.py\nlogs/\n")
    write(repo, "sub/.gitignore", "!a.py\n")
    write(repo, "sub/deep/.gitignore", "/a.py\n")
    assert context(only(repo)) == ["sub/a.py", "sub/deep/only.py", "sub/keep.py"]


def test_gitignore_of_the_repository_reaches_a_project_inside(repo: Path) -> None:
    make(repo, "pkg/gen.py", "pkg/train.py", "pkg/sub/gen.py")
    write(repo, "pkg/trainlint.toml", "")
    write(repo, ".gitignore", "/pkg/gen.py\n")
    project = only(repo / "pkg")
    assert project.root == str(repo / "pkg")
    assert [path for path in context(project) if path.endswith(".py")] == ["sub/gen.py", "train.py"]


IDIOMS = [
    ["*", "!*/", "!*.py"],
    ["*", "!.gitignore", "!keep"],
    ["*", "!keep/"],
    ["/*", "!/keep"],
    ["/*", "!/keep/", "!/*.py"],
    ["/*", "!/keep", "/keep/*", "!/keep/sub"],
    ["/*/", "!/src/"],
    ["/a/*", "!/a/b", "/a/b/*", "!/a/b/c.py"],
    ["a/*", "!a/b/"],
    ["a/**/c.py"],
    ["a/**"],
    ["**"],
    ["**/*", "!**/*.py", "!**/"],
    ["data/"],
    ["data"],
    ["/data"],
    ["data/", "!src/data/"],
    ["data/*", "!data/x.py"],
    ["**/data/*", "!**/data/x.py"],
    ["data/**", "!data/**/", "!data/**/*.py"],
    ["src/*", "!src/data"],
    ["keep/", "!keep/a.py"],
    ["keep/**", "!keep/**/a.py"],
    ["keep/**", "!keep/sub/", "!keep/sub/**"],
    ["*.py", "!c.py"],
    ["*.py", "!keep/"],
    ["*.py", "!keep/**/*.py"],
    ["!keep", "*.py"],
    ["[!k]*/"],
    ["d[a-t]*"],
    ["?.py", "!c.py"],
    ["x.py   ", "# a comment", "", "\\#x", "[a-", "/", "!", "x\\"],
]


@pytest.mark.parametrize("lines", IDIOMS, ids=" ".join)
@pytest.mark.parametrize("inner", [[], ["!c.py", "/b/"], ["*", "!*.py"]], ids=["", "inner", "inner list"])
def test_ignore_files_mean_what_git_says(repo: Path, lines: list[str], inner: list[str]) -> None:
    shutil.rmtree(repo)
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    make(repo, "c.py", "x.py", "a/c.py", "a/b/c.py", "b/a/c.py", "data/x.py", "data/deep/y.py")
    make(repo, "src/data/y.py", "src/z.py", "keep/a.py", "keep/sub/b.py", "dir/c.py", "a/dir")
    write(repo, ".gitignore", "\n".join(lines))
    write(repo, "a/.gitignore", "\n".join(inner))
    listed = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "ls-files", "-co", "--exclude-standard"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = sorted(path for path in listed.stdout.splitlines() if path.endswith(".py"))
    assert context(only(repo)) == expected


def test_links(repo: Path, tmp_path: Path) -> None:
    make(repo, "real/a.py")
    make(tmp_path, "elsewhere/b.py")
    (repo / "real" / "loop").symlink_to(repo, target_is_directory=True)
    (repo / "real" / "self").symlink_to("self")
    (repo / "broken.py").symlink_to("nowhere.py")
    (repo / "again.py").symlink_to("real/a.py")
    (repo / "outside.py").symlink_to(tmp_path / "elsewhere" / "b.py")
    assert context(only(repo)) == ["broken.py", "outside.py", "real/a.py"]


def test_a_linked_folder_is_taken_when_named(repo: Path, tmp_path: Path) -> None:
    make(repo, "real/a.py")
    (tmp_path / "link").symlink_to(repo / "real", target_is_directory=True)
    project = only(tmp_path / "link")
    assert (project.root, project.named) == (str(repo), {"real/a.py"})


def test_the_nearest_settings_file_makes_the_root(repo: Path) -> None:
    make(repo, "pkg/inner/a.py", "pkg/b.py", "c.py")
    write(repo, "pkg/pyproject.toml", "[tool.trainlint]\nstrict = true\n")
    write(repo, "pkg/inner/pyproject.toml", "[tool.other]\n")
    project = only(repo / "pkg" / "inner" / "a.py")
    assert project.root == str(repo / "pkg")
    assert project.named == {"inner/a.py"}
    assert "b.py" in context(project)
    assert project.settings.strict


def test_without_settings_the_repository_is_the_root(repo: Path) -> None:
    make(repo, "a/b/c.py", "d.py")
    project = only(repo / "a" / "b" / "c.py")
    assert (project.root, context(project), project.named) == (str(repo), ["a/b/c.py", "d.py"], {"a/b/c.py"})


def test_without_repository_the_named_folder_is_the_root(tmp_path: Path) -> None:
    make(tmp_path, "a/train.py", "a/model.py", "b/other.py")
    assert only(tmp_path / "a" / "train.py").root == str(tmp_path / "a")
    assert context(only(tmp_path / "a" / "train.py")) == ["model.py", "train.py"]
    assert find_root(tmp_path / "a") == tmp_path / "a"


def test_loose_folders_inside_each_other_are_one_project(tmp_path: Path) -> None:
    make(tmp_path, "a/train.py", "a/sub/model.py")
    project = only(tmp_path / "a" / "sub" / "model.py", tmp_path / "a" / "train.py")
    assert (project.root, project.named) == (str(tmp_path / "a"), {"train.py", "sub/model.py"})


def test_a_huge_loose_folder_gives_only_its_own_files_as_context(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(discovery, "LOOSE_LIMIT", 3)
    make(tmp_path, "train.py", "model.py", *(f"other{n}/a.py" for n in range(5)))
    project = only(tmp_path / "train.py")
    assert context(project) == ["model.py", "train.py"]
    assert project.named == {"train.py"}
    assert [notice.kind for notice in project.notices] == ["budget"]
    assert len(only(tmp_path).named) == 7


def test_monorepo(repo: Path) -> None:
    make(repo, "root.py", "one/a.py", "one/deep/b.py", "two/c.py", "two/inner/d.py", "plain/e.py")
    write(repo, "trainlint.toml", "")
    write(repo, "one/trainlint.toml", "strict = true")
    write(repo, "two/pyproject.toml", "[tool.trainlint]\n")
    write(repo, "two/inner/trainlint.toml", "")
    found = {os.path.relpath(p.root, repo): p for p in discover([repo]).projects}
    python = {name: sorted(x for x in p.named if x.endswith(".py")) for name, p in found.items()}
    assert python == {
        ".": ["plain/e.py", "root.py"],
        "one": ["a.py", "deep/b.py"],
        "two": ["c.py"],
        "two/inner": ["d.py"],
    }
    assert found["one"].settings.strict
    assert not found["."].settings.strict
    assert "one/a.py" in context(found["."])


def test_named_paths_of_two_projects_in_one_run(repo: Path) -> None:
    make(repo, "one/a.py", "two/b.py")
    write(repo, "one/trainlint.toml", "")
    write(repo, "two/trainlint.toml", "")
    projects = discover([repo / "two" / "b.py", repo / "one"]).projects
    assert [Path(p.root).name for p in projects] == ["one", "two"]
    assert [sorted(n for n in p.named if n.endswith("py")) for p in projects] == [["a.py"], ["b.py"]]


def test_a_repository_inside_a_repository_is_its_own_project(repo: Path) -> None:
    make(repo, "a.py", "sub/b.py")
    (repo / "sub" / ".git").mkdir()
    assert [(Path(p.root).name, set(p.named)) for p in discover([repo]).projects] == [
        ("repo", {"a.py"}),
        ("sub", {"b.py"}),
    ]


def test_exclude_and_force_exclude(repo: Path) -> None:
    make(repo, "train.py", "legacy/old.py", "gen/a.py", "tests/test_a.py")
    write(repo, "trainlint.toml", 'exclude = ["legacy/", "gen\\\\*.py"]')
    assert only(repo).named == {"train.py", "trainlint.toml"}
    assert only(repo / "legacy" / "old.py").named == {"legacy/old.py"}
    forced = Settings(force_exclude=True)
    named = only(repo / "legacy/old.py", repo / "tests/test_a.py", repo / "train.py", given=forced).named
    assert named == {"train.py"}


def test_given_settings_lie_over_those_of_the_file(repo: Path) -> None:
    write(repo, "trainlint.toml", 'ignore = ["a"]\ndevices = 4\nselect = ["x"]')
    found = only(repo, given=Settings(ignore=("b",), select=("y",), strict=True)).settings
    assert (found.ignore, found.devices, found.select, found.strict) == (("a", "b"), 4, ("y",), True)


def test_missing_paths_are_all_named(repo: Path) -> None:
    make(repo, "a.py")
    with pytest.raises(PathError, match=r"no such file or folder: .*nope\.py, .*gone"):
        discover([repo / "a.py", repo / "nope.py", repo / "gone"])


def test_a_path_no_system_can_hold_is_missing() -> None:
    with pytest.raises(PathError):
        discover(["a\0b.py"])


def test_broken_settings_are_refused(repo: Path) -> None:
    write(repo, "trainlint.toml", "strict = maybe\n")
    with pytest.raises(SettingsError, match=r"trainlint\.toml:1: not valid TOML"):
        discover([repo])


def test_a_virtual_file_need_not_exist(repo: Path) -> None:
    make(repo, "model.py")
    project = only(virtual=repo / "new.py")
    assert (project.named, context(project)) == ({"new.py"}, ["model.py", "new.py"])


def test_a_script_without_suffix_and_a_file_of_another_kind(repo: Path) -> None:
    write(repo, "run", "#!/usr/bin/env python3\n")
    write(repo, "README.md", "# hello\n")
    project = only(repo / "run", repo / "README.md")
    assert [(f.path, f.language) for f in project.context] == [("run", "python")]
    assert [(n.path, n.kind) for n in project.notices] == [("README.md", "unreadable")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_a_notice(repo: Path) -> None:
    make(repo, "a.py", "shut/b.py")
    (repo / "shut").chmod(0)
    project = only(repo)
    (repo / "shut").chmod(0o755)
    assert [(n.path, n.kind) for n in project.notices] == [("shut", "unreadable")]


def test_order_of_paths_does_not_matter(repo: Path) -> None:
    make(repo, "a.py", "b/c.py", "tests/test_x.py")
    paths = [repo / "a.py", repo / "b", repo / "tests"]
    assert discover(paths) == discover(paths[::-1]) == discover(paths * 2)

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import lint, recipes
from trainlint.recipe.launch.lines import Launch, find_entry, launches
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings
from trainlint.text.shell import read_shell
from trainlint.text.source import source_of

TRAIN = """\
import argparse

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("-b", "--batch-size", type=int, default=64)
parser.add_argument("--seed", type=int)
parser.add_argument("--amp", action="store_true")
args = parser.parse_args()
if args.seed is not None:
    torch.manual_seed(args.seed)
loader = DataLoader(datasets.ImageFolder("data/train", transforms.ToTensor()), args.batch_size, shuffle=True)
model = torch.nn.Linear(3, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
for epoch in range(90):
    for images, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
"""


def launched(line: str, *files: str) -> Launch:
    (found,) = launches(
        read_shell(source_of("scripts/run.sh", line)), "scripts/run.sh", files or ("train.py",)
    )
    return found


@pytest.mark.parametrize(
    ("line", "processes"),
    [
        ("python train.py", None),
        ("torchrun --nproc_per_node=8 train.py", 8),
        ("torchrun --nproc-per-node 4 --nnodes=2 train.py", 8),
        ("torchrun --nproc_per_node=gpu train.py", None),
        ("torchrun --nproc_per_node=8 --nnodes=1:4 train.py", None),
        ("python3.10 -u -m torch.distributed.launch --nproc_per_node=2 --use_env train.py", 2),
        ("accelerate launch --multi_gpu --num_processes 6 train.py", 6),
        ("CUDA_VISIBLE_DEVICES=0,1 nohup deepspeed --num_gpus=2 train.py &", 2),
        ("horovodrun -np 16 -H a:8,b:8 python train.py", 16),
        ("mpirun -np 4 python train.py", 4),
        ("python -m torch.distributed.run --nproc_per_node 3 -m pkg.train", 3),
    ],
)
def test_launchers_say_how_many_processes_they_start(line: str, processes: int | None) -> None:
    assert launched(line, "train.py", "pkg/train.py").processes == processes


def test_options_and_overrides_are_read_with_their_places() -> None:
    line = launched(
        "python train.py --lr=0.4 -b 128 --shift -1 --amp --sizes 1 2 model.depth=50 +seed=3 $MORE"
    )
    assert {flag: given.value for flag, given in line.options.items()} == {
        "--lr": "0.4",
        "-b": "128",
        "--shift": "-1",
        "--amp": True,
        "--sizes": None,
    }
    assert {key: given.value for key, given in line.overrides.items()} == {}
    line = launched("python train.py model.depth=50 +seed=3")
    assert {key: given.value for key, given in line.overrides.items()} == {"model.depth": "50", "seed": "3"}
    assert launched("python train.py --lr 0.4").options["--lr"].span.column == 22


def test_srun_starts_what_its_job_asked_for() -> None:
    job = "#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --ntasks-per-node 4\n"
    assert launched(job + "srun --label python -u train.py").processes == 8
    assert launched(job + "srun --ntasks-per-node=1 python train.py").processes == 2
    assert launched(job + "python train.py").processes is None


def test_a_finding_in_a_script_is_suppressed_there(tmp_path: Path) -> None:
    line = "torchrun --nproc_per_node=16 train.py --lr 1.6 -b 128 --seed 5"
    recipe(tmp_path, run=line + "\n")
    found = lint([tmp_path], Settings(select=("large-batch-without-warmup",), strict=True)).findings
    assert [finding.span.path for finding in found] == ["run.sh"]
    recipe(tmp_path, run=f"{line}  # trainlint: ignore[large-batch-without-warmup] -- tried both\n")
    assert lint([tmp_path], Settings(select=("large-batch-without-warmup",), strict=True)).findings == []


def test_other_commands_start_nothing() -> None:
    for line in (
        "vim train.py",
        "git add train.py",
        "python -c 'import train'",
        "python other.py",
        "echo python train.py",
    ):
        assert launches(read_shell(source_of("run.sh", line)), "run.sh", ["train.py"]) == []


def test_a_script_is_found_from_where_the_shell_stands() -> None:
    files = ["train.py", "vision/train.py", "vision/tools/fit.py"]
    assert find_entry("../train.py", "vision", "vision", files) == "train.py"
    assert find_entry("train.py", "scripts", "", files) == "train.py"
    assert find_entry("train.py", "scripts", "vision", files) == "vision/train.py"
    assert find_entry("./tools/fit.py", "vision/scripts", "", files) == "vision/tools/fit.py"
    assert find_entry("fit.py", "", "", files) == "vision/tools/fit.py"
    assert find_entry("/opt/elsewhere/run.py", "", "", files) == ""


def recipe(folder: Path, settings: Settings | None = None, **scripts: str) -> Recipe:
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(TRAIN)
    for name, text in scripts.items():
        (folder / f"{name}.sh").write_text(text)
    (made,) = recipes([folder], settings)
    return made


def test_what_every_launch_line_gives_is_the_value(tmp_path: Path) -> None:
    made = recipe(tmp_path, run="LR=0.4\ntorchrun --nproc_per_node=8 train.py --lr $LR -b 128 --seed 5\n")
    rate = made.get("optimizer.lr")
    assert (rate.value, rate.state, rate.span and (rate.span.path, rate.span.line)) == (
        0.4,
        State.EXPLICIT,
        ("run.sh", 2),
    )
    assert made.get("batch.effective").value == 1024
    assert made.get("repro.seed").value == 5


def test_lines_that_differ_leave_the_choice_open(tmp_path: Path) -> None:
    made = recipe(tmp_path, one="python train.py --lr 0.4 -b 128\n", two="python train.py --lr 0.2\n")
    assert made.get("optimizer.lr").state is State.UNKNOWN
    assert made.get("optimizer.lr").choices == (0.4, 0.2)
    assert made.get("batch.per_device").value == 64


def test_world_sizes_that_differ_are_not_decided_and_the_setting_wins(tmp_path: Path) -> None:
    lines = {"one": "torchrun --nproc_per_node=8 train.py\n", "two": "python train.py\n"}
    made = recipe(tmp_path, **lines)
    assert made.get("batch.devices").state is State.UNKNOWN
    assert made.get("batch.effective").state is State.UNKNOWN
    made = recipe(tmp_path, Settings(devices=4), **lines)
    assert made.get("batch.effective").value == 256


def test_a_script_that_cannot_be_read_costs_a_notice_only(tmp_path: Path) -> None:
    recipe(tmp_path)
    (tmp_path / "bad.sh").write_bytes(b"python train.py \xff\xfe\x00\n")
    (tmp_path / "good.sh").write_text("python train.py --lr 0.4\n")
    report = lint([tmp_path])
    assert [notice.path for notice in report.notices] == ["bad.sh"]
    (made,) = recipes([tmp_path])
    assert made.get("optimizer.lr").value == 0.4

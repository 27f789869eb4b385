"""Reading configs of every kind opens no connection and starts no process: an audit hook refuses both.

The hook sees what any library below does, also where it kept a function of `socket` for itself; it cannot be
taken off again, so the reading happens in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.test_rule_examples import PROJECTS

READ = """\
import json, sys
refused = []
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "urllib.")
def hook(event, _):
    if event.startswith(FORBIDDEN):
        refused.append(event)
        raise PermissionError(event)
from trainlint.linter import lint, recipes
from trainlint.settings.model import Settings
from pathlib import Path
import socket
sys.addaudithook(hook)
try:
    socket.socket()
except PermissionError:
    refused.clear()
else:
    raise SystemExit("the hook does not work")
folder = Path(sys.argv[1])
report = lint([folder], Settings(strict=True, jobs=1))
made = recipes([folder], Settings(jobs=1))
print(json.dumps({
    "refused": refused,
    "configs": report.summary.configs,
    "recipes": len(made),
    "findings": len(report.findings),
    "internal": [notice.message for notice in report.notices if notice.kind == "internal"],
}))
"""
FAR_AWAY = {
    "far/base.yml": "_base_: https://example.org/b.yml\niters: 9\nbatch_size: 2\noptimizer: {type: sgd}\n",
    "far/upper.yaml": "_BASE_: http://example.org/b.yaml\nSOLVER: {BASE_LR: 0.1}\nMODEL: {WEIGHTS: 's3://a/b'}\n",
    "far/include.yaml": "!include https://example.org/part.yaml\n",
    "far/part.yaml": "part: !include //example.org/part.yaml\nlr: 0.1\nbatch_size: 8\nepochs: 3\n",
    "far/object.yaml": "run: !!python/object/apply:os.system ['true']\nlr: 0.1\nbatch_size: 8\nepochs: 3\n",
    "far/target.yaml": "optimizer: {_target_: urllib.request.urlopen, url: 'ftp://a'}\nlr: 0.1\nepochs: 3\n",
    "far/schema.json": '{"$schema": "https://a.org/s", "lr": 0.1, "batch_size": 8, "epochs": 3}',
    "far/other.py": "_base_ = ['mmdet::_base_/default_runtime.py', 'https://example.org/b.py']\nlr = 0.1\n",
    "far/env.yaml": "defaults:\n  - https://example.org/group\nlr: ${oc.env:LR}\nbatch_size: 8\nepochs: 3\n",
}


def test_no_connection_and_no_process(tmp_path: Path) -> None:
    count = 0
    for number, project in enumerate(PROJECTS):
        for file in project.files:
            if file.file.endswith((".yaml", ".yml", ".json", ".toml")) or "configs/" in file.file:
                target = tmp_path / f"project{number}" / file.file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(file.text, encoding="utf-8")
                count += 1
    for name, text in FAR_AWAY.items():
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert read["refused"] == []
    assert read["internal"] == []
    assert read["configs"] > count // 2
    assert read["recipes"] > 0
    assert read["findings"] > 0

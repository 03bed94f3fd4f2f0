"""The whole way with nothing faked: the embedded model and data, real processes, real kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.worker.test_kills import database, story
from tuner.demo import demo_data_folder, demo_model_folder
from tuner.session.folder import Session, create_session
from tuner.session.lock import lock_holder_pid

pytestmark = pytest.mark.e2e
TRAINING_ROWS = 160
TRIALS = 5
KILLS = 6

RECIPE = """
[model]
name = {model}
max_length = 48

[data]
train = {train}
validation = {validation}
text = "text"
label = "label"

[training]
epochs = 3
checkpoint_seconds = 0.2
kernels = "torch"

[[groups]]
name = "body"
part = ["embeddings", "layers"]
lr = {{ low = 1e-4, high = 1e-2 }}

[[groups]]
name = "head"
rest = true
lr = {{ low = 1e-3, high = 1e-1 }}

[search]
trials = {trials}
slots = 1
startup_trials = 3
"""


def tuner(root: Path, *words: str, code: int | None = 0) -> str:
    """Run a command as a user does; returns what it wrote to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "tuner", "--sessions", str(root), *words],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stderr}"
    return done.stdout


def make(root: Path, name: str) -> Session:
    train = root / "train.jsonl"
    rows = (demo_data_folder() / "train.jsonl").read_text(encoding="utf-8").splitlines()
    train.write_text("\n".join(rows[:TRAINING_ROWS]) + "\n", encoding="utf-8")
    text = RECIPE.format(
        model=json.dumps(str(demo_model_folder())),
        train=json.dumps(str(train)),
        validation=json.dumps(str(demo_data_folder() / "validation.jsonl")),
        trials=TRIALS,
    )
    return create_session(root, name, text)


def processes_of(session: Session) -> list[int]:
    """Return the pids of the worker and its trainers."""
    holder = lock_holder_pid(session.lock_path)
    if not holder:
        return []
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(holder)], capture_output=True, text=True, check=False
    )
    return [holder, *(int(pid) for pid in listed.stdout.split())]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be asked for its exit code does not."""
    listed = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def predictions(session: Session) -> dict[str, bytes]:
    """Every prediction that is on disk, by trial and evaluation."""
    import numpy as np

    prediction_bytes = {}
    for path in sorted((session.path / "trials").glob("*/predictions-*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            prediction_bytes["/".join(path.parts[-2:])] = b"".join(
                arrays[k].tobytes() for k in arrays.files
            )
    return prediction_bytes


def best_without_times(session: Session) -> dict[str, Any]:
    best: dict[str, Any] = json.loads(session.best_json.read_text(encoding="utf-8"))
    return {key: value for key, value in best.items() if key not in ("created", "session")}


@pytest.mark.timeout(600)
def test_a_killed_and_paused_study_ends_bit_for_bit_like_an_undisturbed_one(tmp_path: Path) -> None:
    calm, disturbed = make(tmp_path, "calm"), make(tmp_path, "disturbed")
    tuner(tmp_path, "run", "calm")
    chance = random.Random(5)
    for _ in range(KILLS):
        tuner(tmp_path, "start", "disturbed", code=None)
        time.sleep(chance.uniform(0.0, 1.5))
        targets = processes_of(disturbed)
        if not targets:
            break
        match chance.choice(("worker", "trainer", "both", "pause")):
            case "worker":
                os.kill(targets[0], signal.SIGKILL)
            case "trainer":
                for pid in targets[1:]:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.5)
                tuner(tmp_path, "pause", "disturbed", code=None)
            case "both":
                for pid in targets:
                    os.kill(pid, signal.SIGKILL)
            case "pause":
                tuner(tmp_path, "pause", "disturbed", code=None)
    tuner(tmp_path, "run", "disturbed")

    assert story(disturbed) == story(calm)
    assert database(disturbed) == database(calm)
    assert predictions(disturbed) == predictions(calm)
    assert best_without_times(disturbed) == best_without_times(calm)
    weights = [s.best_folder / "model.safetensors" for s in (calm, disturbed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_after_pause_no_process_is_left_and_stop_ends_it_for_good(tmp_path: Path) -> None:
    session = make(tmp_path, "short")
    tuner(tmp_path, "start", "short")
    pids = processes_of(session)
    assert len(pids) == 2
    tuner(tmp_path, "pause", "short")
    assert [pid for pid in pids if is_alive(pid)] == []
    assert json.loads(tuner(tmp_path, "status", "short", "--json"))["status"] == "paused"
    assert lock_holder_pid(session.lock_path) is None
    tuner(tmp_path, "stop", "short")
    assert json.loads(tuner(tmp_path, "status", "short", "--json"))["status"] == "stopped"
    tuner(tmp_path, "resume", "short", code=2)

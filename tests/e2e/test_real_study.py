"""The whole way with nothing faked: the embedded model and data, real processes, real kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.worker.test_kills import database, story
from tests.worker.worker_sessions import events
from tuner.demo import demo_data_folder, demo_model_folder
from tuner.session import events as e
from tuner.session.comparison import PredictionCache, candidates_of_session
from tuner.session.fold import load_session_view
from tuner.session.folder import Session, create_session
from tuner.session.lock import lock_holder_pid
from tuner.session.validation_texts import read_validation_texts

pytestmark = pytest.mark.e2e
TRAINING_ROWS = 160
TRIALS = 5

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


def command_line(root: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tuner", "--sessions", str(root), *words]


def tuner(root: Path, *words: str, code: int | None = 0) -> str:
    """Run a command as a user does; returns what it wrote to stdout."""
    done = subprocess.run(
        command_line(root, *words),
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


def evaluation_count(session: Session) -> int:
    """Count what the log has of all trials."""
    trials = load_session_view(session).trials.values()
    return sum(len(trial.evaluations) for trial in trials)


def wait_for_an_evaluation(session: Session) -> list[int]:
    """Wait until one more is in the log; return the pids of worker and trainers."""
    count, deadline = evaluation_count(session), time.monotonic() + 240.0
    while evaluation_count(session) == count:
        assert time.monotonic() < deadline, "no evaluation"
        time.sleep(0.05)
    pids = processes_of(session)
    assert pids, "the study was over before it was disturbed"
    return pids


def turns_of(session: Session) -> list[str]:
    """Name what began, interrupted and ended the study, in order."""
    turns = (e.SessionStarted, e.TrialRetried, e.SessionPaused, e.SessionFinished)
    return [type(event).__name__ for event in events(session) if isinstance(event, turns)]


def signal_processes(pids: list[int], number: int) -> None:
    for pid in pids:
        os.kill(pid, number)


def pause_and_stop_a_copy(root: Path, session: Session) -> None:
    """After a pause no process is left; a stop ends a session for good, here a copy of it."""
    worker, *trainers = wait_for_an_evaluation(session)
    # Until the command is there, no quick machine may end the study.
    signal_processes(trainers, signal.SIGSTOP)
    with subprocess.Popen(command_line(root, "pause", session.name)) as pause:
        while not session.commands_path.read_bytes() and pause.poll() is None:
            time.sleep(0.02)
        signal_processes(trainers, signal.SIGCONT)
    assert pause.returncode == 0
    assert [pid for pid in (worker, *trainers) if is_alive(pid)] == []
    assert lock_holder_pid(session.lock_path) is None
    assert json.loads(tuner(root, "status", session.name, "--json"))["status"] == "paused"
    shutil.copytree(session.path, root / "copy")
    tuner(root, "stop", "copy")
    assert json.loads(tuner(root, "status", "copy", "--json"))["status"] == "stopped"
    tuner(root, "resume", "copy", code=2)


@pytest.mark.timeout(900)
def test_a_killed_and_paused_study_ends_bit_for_bit_like_an_undisturbed_one(tmp_path: Path) -> None:
    calm, disturbed = make(tmp_path, "calm"), make(tmp_path, "disturbed")
    tuner(tmp_path, "run", "calm")
    assert_rows_can_be_compared(tmp_path, calm)

    tuner(tmp_path, "start", "disturbed")
    signal_processes(wait_for_an_evaluation(disturbed)[1:], signal.SIGKILL)
    signal_processes(wait_for_an_evaluation(disturbed)[:1], signal.SIGKILL)
    tuner(tmp_path, "start", "disturbed")
    pause_and_stop_a_copy(tmp_path, disturbed)
    tuner(tmp_path, "run", "disturbed")

    assert turns_of(calm) == ["SessionStarted", "SessionFinished"]
    assert turns_of(disturbed) == [
        *("SessionStarted", "TrialRetried"),  # the trainer was killed
        *("SessionStarted", "SessionPaused"),  # the worker was killed, and paused later
        *("SessionStarted", "SessionFinished"),
    ]
    assert story(disturbed) == story(calm)
    assert database(disturbed) == database(calm)
    assert predictions(disturbed) == predictions(calm)
    assert best_without_times(disturbed) == best_without_times(calm)
    weights = [s.best_folder / "model.safetensors" for s in (calm, disturbed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def assert_rows_can_be_compared(root: Path, session: Session) -> None:
    """Check predictions and texts, as what compares trials reads them, against data and log."""
    view = load_session_view(session)
    candidates = candidates_of_session(session, view, [0, 1])
    pair = PredictionCache().pair_predictions(*candidates)
    for candidate, row_predictions in zip(candidates, (pair.first, pair.second), strict=True):
        evaluation = candidate.counted_evaluation
        assert evaluation is not None
        right = sum(map(int.__eq__, row_predictions.gold, row_predictions.predicted))
        assert right == sum(row[label] for label, row in enumerate(evaluation.confusion))

    source = (demo_data_folder() / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    texts = read_validation_texts(session)
    assert list(texts.labels) == view.labels
    for position, row in enumerate(pair.first.rows):
        row_text, source_row = texts.find_row_text(row), json.loads(source[row])
        assert row_text is not None
        assert row_text.texts == [source_row["text"][:2000]]
        assert view.labels[pair.first.gold[position]] == str(source_row["label"])

    comparison = json.loads(tuner(root, "compare", session.name, "0", "1", "--json"))
    assert comparison["pairs"][0]["rows"] == view.rows["validation"] == len(source)
    assert comparison["pairs"][0]["p"] == pair.flips.mcnemar_p_value

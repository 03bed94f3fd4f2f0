"""What users ask of a worker while it runs, and while it does not."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.worker.test_kills import story
from tests.worker.worker_sessions import (
    WorkerProcess,
    environment,
    evaluations,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
    wait_for,
)
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.inbox import send_command
from tuner.session.lock import WorkerLock, lock_holder_pid
from tuner.session.status import derive_session_state
from tuner.session.view import ENDED_STATES, SessionState, TrialState
from tuner.worker.control import (
    drain_session,
    enqueue_trial,
    pause_session,
    prune_trial,
    stop_session,
)
from tuner.worker.exclusive import exclusive_session
from tuner.worker.launch import start_worker
from tuner.worker.test_rows import break_test_seal
from tuner.worker.test_scoring import score_test_rows


def state(session: Session) -> SessionState:
    return derive_session_state(session, load_session_view(session))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Everything started from here on uses the fake trainer."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_pause_and_resume_end_as_an_undisturbed_study(tmp_path: Path) -> None:
    calm, paused = make_session(tmp_path / "calm"), make_session(tmp_path / "paused")
    assert run_worker(calm) == 0
    process = run_worker_until(paused, evaluations(2), pace=0.02)
    pause_session(paused)
    assert process.wait() == 0
    assert state(paused) is SessionState.PAUSED
    view = load_session_view(paused)
    assert TrialState.PAUSED in {trial.state for trial in view.trials.values()}
    assert lock_holder_pid(paused.lock_path) is None
    assert run_worker(paused) == 0
    assert story(paused) == story(calm)
    assert [event.resumed for event in of_kind(paused, e.SessionStarted)] == [False, True]


def test_a_signal_pauses(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    process.send(signal.SIGHUP)
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert of_kind(session, e.SessionPaused)[0].reason == "SIGTERM"


def test_drain_lets_what_runs_finish(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, evaluations(1), pace=0.02)
    drain_session(session)
    assert process.wait() == 0
    assert state(session) is SessionState.PAUSED
    view = load_session_view(session)
    assert [trial.state for trial in view.trials.values()] == [TrialState.COMPLETE]
    assert view.reason == "drained"


def test_stop_gives_up_what_runs(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    stop_session(session)
    assert process.wait() == 0
    assert state(session) is SessionState.STOPPED
    (pruned,) = of_kind(session, e.TrialPruned)
    assert pruned.reason == "the study was stopped"
    assert not list(session.trials_folder.rglob("checkpoint*"))


def test_prune_ends_one_trial_and_enqueue_brings_the_next(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    assert enqueue_trial(session, {"lr.head": 0.5, "epochs": 2}) == "trial 2 waits for its turn"
    with pytest.raises(TunerError, match=r"lr\.haed"):
        enqueue_trial(session, {"lr.haed": 1.0})
    with pytest.raises(TunerError, match="trial 7 is not running"):
        prune_trial(session, 7)
    assert prune_trial(session, 0) == "trial 0 is pruned"
    pause_session(session)
    assert process.wait() == 0
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert view.trials[0].reason == "pruned by hand"
    assert view.trials[2].origin == "enqueued"
    assert view.trials[2].params["lr.head"] == 0.5
    assert view.trials[2].total_steps == 8
    assert len(view.trials) == 4


def test_what_was_asked_while_nothing_ran(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    with pytest.raises(TunerError, match="is not running"):
        pause_session(session)
    late = send_command(session, c.Pause())
    wish = send_command(session, c.Enqueue(params={"lr.head": 1e-3}))
    assert run_worker(session) == 0
    answers = {event.id: event for event in of_kind(session, e.CommandDone)}
    assert (answers[late].ok, answers[late].result) == (False, "not running then")
    assert answers[wish].ok
    assert [t.origin for t in load_session_view(session).trials.values()] == [
        "baseline", "middle", "enqueued",
    ]  # fmt: skip
    send_command(session, c.Enqueue(params={"lr.head": 2e-3}))
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert view.trials[3].params["lr.head"] == 2e-3
    assert all(trial.state in ENDED_STATES for trial in view.trials.values())


def test_a_pause_while_the_trainer_loads(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = WorkerProcess(session, {"slow_setup": 20.0})
    wait_for(lambda: load_session_view(session).lifecycle == "worker_started")
    pause_session(session)
    assert process.wait() == 0
    assert state(session) is SessionState.PAUSED


def test_a_lost_worker_is_noticed_by_who_waits(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(
        session, evaluations(1), slow=0, slowly=0.5, kill_at={"record": 7, "written": False}
    )
    with pytest.raises(StudyFailed, match="was lost"):
        drain_session(session)
    assert process.wait() == -9


def test_start_returns_once_the_log_says_so_and_the_worker_stays(
    tmp_path: Path, fake: pytest.MonkeyPatch
) -> None:
    fake.setenv("FAKE_TRAINER", '{"pace": 0.05}')
    session = make_session(tmp_path)
    start_worker(session)
    assert state(session) is SessionState.RUNNING
    holder = lock_holder_pid(session.lock_path)
    assert holder is not None
    assert os.getsid(holder) == holder
    with pytest.raises(TunerError, match=f"already running: pid {holder} on "):
        start_worker(session)
    pause_session(session)
    assert state(session) is SessionState.PAUSED


def test_start_tells_why_a_session_fails_at_once(tmp_path: Path, fake: pytest.MonkeyPatch) -> None:
    session = make_session(tmp_path)
    fake.setenv("FAKE_TRAINER", '{"refuse": "data.train: no such file"}')
    with pytest.raises(TunerError, match=r"data\.train: no such file") as caught:
        start_worker(session)
    assert caught.value.exit_code == 2
    session.recipe_path.write_text("[model]\nnam = 1\n")
    with pytest.raises(TunerError, match="nam"):
        start_worker(session)


@pytest.mark.usefixtures("fake")
def test_the_sealed_split_is_scored_once_and_counted(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    with pytest.raises(NotFinished):
        score_test_rows(session)
    assert run_worker(session) == 0
    first = score_test_rows(session)
    assert (first.n, first.opened, first.trial) == (10, 1, load_session_view(session).best)
    assert score_test_rows(session) == first
    assert score_test_rows(session, again=True).opened == 2
    assert '"opened": 2' in session.best_json.read_text()
    assert state(session) is SessionState.FINISHED
    session.recipe_path.write_text(session.recipe_path.read_text().replace("holdout = 0.5", ""))
    with pytest.raises(TunerError, match="has no test rows"):
        score_test_rows(session)


def test_a_search_ends_when_every_configuration_was_tried(tmp_path: Path) -> None:
    session = make_session(
        tmp_path, trials=14, training='schedule = { choices = ["linear", "cosine"] }'
    )
    recipe = session.recipe_path.read_text(encoding="utf-8")
    rates = 'lr = { low = 1e-6, high = 1e-1, scale = "log" }'
    session.recipe_path.write_text(
        recipe.replace(rates, "lr = { choices = [1e-4, 1e-2] }"), encoding="utf-8"
    )
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert view.reason == "all 4 configurations have been tried"
    sampled = [tuple(t.params.values()) for t in view.trials.values() if t.origin != "baseline"]
    assert len(sampled) == len(set(sampled)) == 4
    wish = send_command(session, c.Enqueue(params=dict(view.trials[1].params)))
    assert run_worker(session) == 0
    answers = {event.id: event.result for event in of_kind(session, e.CommandDone)}
    assert answers[wish].endswith("waits for its turn; it repeats trial 1 bit for bit")


def sealed_rows(digest: str = "d", source: str = "test.csv") -> dict[str, Any]:
    return {"sealed": {"source": source, "rows": 10, "digest": digest, "texts": digest}}


def with_test(fake: pytest.MonkeyPatch, **report: Any) -> None:
    """From here on trainers tell this of the sealed rows."""
    fake.setenv("FAKE_TRAINER", json.dumps({"test": report}))


def test_rows_that_cannot_be_scored_end_a_search_before_it_begins(
    tmp_path: Path, fake: pytest.MonkeyPatch
) -> None:
    with_test(fake, problem="data.test: no labels")
    session = make_session(tmp_path, trials=1)
    with pytest.raises(StudyFailed, match=r"data\.test: no labels"):
        start_worker(session)
    assert not load_session_view(session).trials


def test_another_test_file_can_be_sealed_until_one_is_opened(
    tmp_path: Path, fake: pytest.MonkeyPatch
) -> None:
    session = make_session(tmp_path, trials=1)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("holdout = 0.5", 'test = "test.csv"'))
    assert run_worker(session, test=sealed_rows()) == 0
    with_test(fake, **sealed_rows("changed"))
    with pytest.raises(TunerError, match=r"test\.csv has changed since its rows were sealed"):
        score_test_rows(session)
    break_test_seal(session, "test.csv")
    assert score_test_rows(session).opened == 1
    assert [event.digest for event in of_kind(session, e.TestSealed)] == ["d", "changed"]
    with_test(fake, **sealed_rows("again", "other.csv"))
    with pytest.raises(TunerError, match="its rows were opened"):
        score_test_rows(session, again=True)
    session.recipe_path.write_text(text.replace("holdout = 0.5", 'test = "other.csv"'))
    with pytest.raises(TunerError, match="its rows were opened"):
        score_test_rows(session)


def test_what_another_session_opened_is_not_opened_for_the_first_time(
    tmp_path: Path, fake: pytest.MonkeyPatch
) -> None:
    sessions = [make_session(tmp_path, trials=1, name=name) for name in ("one", "two")]
    for session in sessions:
        assert run_worker(session, test=sealed_rows(source="")) == 0
    with_test(fake, **sealed_rows(source=""))
    first, second = (score_test_rows(session) for session in sessions)
    assert (first.opened, first.sessions) == (1, [])
    assert (second.opened, second.sessions) == (2, ["one"])


def test_commands_that_cannot_be_read_pause_the_session(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=1)
    session.commands_path.unlink()
    session.commands_path.mkdir()
    assert run_worker(session) == 0
    (paused,) = of_kind(session, e.SessionPaused)
    assert "commands.jsonl cannot be read" in paused.reason
    session.commands_path.rmdir()
    assert run_worker(session) == 0
    assert state(session) is SessionState.FINISHED


@pytest.mark.parametrize("refusals", [1, 2])
def test_nobody_writes_without_the_lock_where_its_holder_has_just_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    session = make_session(tmp_path)
    remaining_refusals, acquire = [False] * refusals, WorkerLock.try_acquire
    monkeypatch.setattr(
        WorkerLock,
        "try_acquire",
        lambda self, purpose: (
            remaining_refusals.pop() if remaining_refusals else acquire(self, purpose)
        ),
    )
    if refusals == 2:
        with (
            pytest.raises(TunerError, match="taken by another process"),
            exclusive_session(session),
        ):
            raise AssertionError("not held")
    else:
        with exclusive_session(session):
            assert lock_holder_pid(session.lock_path) == os.getpid()
    assert lock_holder_pid(session.lock_path) is None

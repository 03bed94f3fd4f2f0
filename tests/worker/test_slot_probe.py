"""slots = "auto": how many trials side by side, found out by a probe and then kept."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.worker.test_kills import starts
from tests.worker.worker_sessions import (
    evaluations,
    gap_free,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
    wait_for,
)
from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.status import derive_session_state
from tuner.session.view import SessionState
from tuner.worker.control import (
    drain_session,
    enqueue_trial,
    pause_session,
    prune_trial,
    stop_session,
)

FOUR_THEN_TWO = {"4": 1.0, "2": 0.9, "1": 0.46}
"""Examples a second of one trainer by its threads: 1.0, 1.8 and 1.84 together."""


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    have_cores(monkeypatch, 4)


def have_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)


def automatic(root: Path, trials: int = 4) -> Session:
    session = make_session(root, trials=trials)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("slots = 1", 'slots = "auto"'))
    return session


def only_slots_event(session: Session) -> e.SlotsChosen:
    """Return the only choice there is in the log."""
    (event,) = of_kind(session, e.SlotsChosen)
    assert isinstance(event, e.SlotsChosen)
    return event


def threads_of_trials(session: Session) -> set[int]:
    thread_counts = re.findall(r"trial \d+ with (\d+) threads", session.log_path.read_text())
    return set(map(int, thread_counts))


def most_at_once(session: Session) -> int:
    spans = [(t.started, t.ended or 0.0) for t in load_session_view(session).trials.values()]
    return max(sum(a <= moment < b for a, b in spans) for moment, _ in spans)


def test_more_side_by_side_as_long_as_that_pays(tmp_path: Path) -> None:
    session = automatic(tmp_path, trials=6)
    assert run_worker(session, speeds=FOUR_THEN_TWO, pace=0.02) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.threads, slots_event.cores, slots_event.device) == (
        2,
        2,
        4,
        "cpu",
    )
    assert slots_event.measured == {1: 1.0, 2: 1.8, 4: 1.84}
    assert slots_event.reason == (
        "2 trials side by side × 2 threads: 1.8 examples/s, "
        "against 1.0 for one × 4 threads and 1.8 for 4 × 1 thread"
    )
    view = load_session_view(session)
    assert (view.slots, view.threads, view.batches) == (2, 2, "packed")
    assert len(view.trials) == 6
    assert most_at_once(session) == 2
    assert threads_of_trials(session) == {2}
    assert gap_free(session)


def test_one_at_a_time_where_two_bring_nothing(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    assert run_worker(session, speeds={"4": 1.0, "2": 0.54}, pace=0.005) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.threads) == (1, 4)
    assert slots_event.reason == (
        "one trial at a time × 4 threads: 1.0 examples/s, against 1.1 for 2 × 2 threads"
    )
    assert most_at_once(session) == 1
    assert threads_of_trials(session) == {4}
    ended = [path.read_text() for path in session.cache_folder.glob("trainer-*.lock")]
    assert len(ended) == 2


def test_a_short_search_is_not_probed_further(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    assert run_worker(session, speeds={"4": 100.0}) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.measured) == (1, {1: 100.0})
    assert slots_event.reason == (
        "one trial at a time × 4 threads: 100 examples/s; the whole search takes about 12 s"
    )


def test_no_more_than_trials_and_cores_and_memory_allow(tmp_path: Path) -> None:
    speeds = {"4": 1.0, "2": 1.0, "1": 1.0}
    few = automatic(tmp_path / "few", trials=2)
    assert run_worker(few, speeds=speeds) == 0
    assert (only_slots_event(few).slots, set(only_slots_event(few).measured)) == (2, {1, 2})
    many = automatic(tmp_path / "many", trials=9)
    assert run_worker(many, speeds=speeds) == 0
    assert (only_slots_event(many).slots, only_slots_event(many).threads) == (4, 1)
    tight = automatic(tmp_path / "tight", trials=9)
    assert run_worker(tight, speeds=speeds, free=150) == 0
    assert only_slots_event(tight).slots == 2
    assert only_slots_event(tight).reason.endswith("; more do not fit into memory")


@pytest.mark.parametrize("plan", [{"lose_at": 2}, {"no_room": 3}])
def test_a_trainer_that_is_lost_counts_as_one_too_many(
    tmp_path: Path, plan: dict[str, int]
) -> None:
    session = automatic(tmp_path)
    assert run_worker(session, **plan) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.measured) == (1, {1: 1.0})
    assert "; with 2 side by side a trainer was lost: " in slots_event.reason
    assert derive_session_state(session, load_session_view(session)) is SessionState.FINISHED
    assert of_kind(session, e.TrialRetried) == []


def test_all_the_trainers_that_do_not_fit_are_refused_and_the_search_goes_on(
    tmp_path: Path,
) -> None:
    session = automatic(tmp_path, trials=6)
    assert run_worker(session, no_room=2, speeds={"4": 1.0, "2": 0.9}, pace=0.02) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.measured) == (2, {1: 1.0, 2: 1.8})
    assert slots_event.reason.endswith("; with 4 side by side a trainer was lost: no room")
    assert derive_session_state(session, load_session_view(session)) is SessionState.FINISHED


def test_the_first_trainer_lost_in_its_probe_leaves_one_slot(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    assert run_worker(session, lose_at=4) == 0
    slots_event = only_slots_event(session)
    assert (slots_event.slots, slots_event.threads, slots_event.measured) == (1, 4, {})
    assert slots_event.reason.startswith(
        "one trial at a time; with 1 side by side a trainer was lost"
    )
    assert len(load_session_view(session).trials) == 4


def is_probing(session: Session) -> bool:
    return "probing with" in session.log_path.read_text()


def while_probing(session: Session, **plan: Any) -> Any:
    process = run_worker_until(session, lambda view: starts(view) > 0, probing=30.0, **plan)
    wait_for(lambda: is_probing(session))
    return process


def test_a_pause_during_the_probe_and_another_probe_after_it(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    process = while_probing(session)
    with pytest.raises(TunerError, match="trial 0 is not running"):
        prune_trial(session, 0)
    assert enqueue_trial(session, {"lr.head": 1e-3}) == "trial 2 waits for its turn"
    pause_session(session)
    assert process.wait() == 0
    view = load_session_view(session)
    assert derive_session_state(session, view) is SessionState.PAUSED
    assert (view.slots_choice, view.trials) == (None, {})
    assert run_worker(session, speeds=FOUR_THEN_TWO) == 0
    assert only_slots_event(session).slots == 2


@pytest.mark.parametrize(
    ("ask", "state"), [(drain_session, SessionState.PAUSED), (stop_session, SessionState.STOPPED)]
)
def test_drain_and_stop_do_not_wait_for_a_probe(
    tmp_path: Path, ask: Any, state: SessionState
) -> None:
    session = automatic(tmp_path)
    process = while_probing(session)
    ask(session)
    assert process.wait() == 0
    assert derive_session_state(session, load_session_view(session)) is state


def test_a_worker_killed_in_the_probe_is_followed_by_one_that_probes(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    while_probing(session).kill()
    assert run_worker(session, speeds=FOUR_THEN_TWO) == 0
    assert only_slots_event(session).slots == 2


def test_what_was_found_holds_for_the_workers_to_come(tmp_path: Path) -> None:
    session = automatic(tmp_path, trials=6)
    process = run_worker_until(session, evaluations(2), speeds=FOUR_THEN_TWO, pace=0.05)
    process.kill()
    session.log_path.write_text("")
    assert run_worker(session, speeds={"4": 1.0}, pace=0.01) == 0
    assert only_slots_event(session).slots == 2
    assert not is_probing(session)
    assert threads_of_trials(session) == {2}
    assert [event.slots for event in of_kind(session, e.WorkerStarted)] == [1, 2]
    assert load_session_view(session).slots == 2


def test_another_number_of_cores_is_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = automatic(tmp_path, trials=6)
    run_worker_until(session, evaluations(2), speeds=FOUR_THEN_TWO, pace=0.05).kill()
    have_cores(monkeypatch, 2)
    assert run_worker(session, speeds={"2": 1.0, "1": 0.5}) == 0
    assert [event.slots for event in of_kind(session, e.SlotsChosen)] == [2, 1]
    assert len(load_session_view(session).trials) == 6


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_a_number_is_taken_as_it_is(tmp_path: Path, slots: int) -> None:
    session = make_session(tmp_path, trials=4)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("slots = 1", f"slots = {slots}"))
    assert run_worker(session, speeds=FOUR_THEN_TWO) == 0
    assert of_kind(session, e.SlotsChosen) == []
    assert threads_of_trials(session) == {4 // slots}
    view = load_session_view(session)
    assert (view.slots, view.threads) == (slots, 4 // slots)


def test_a_single_trial_is_not_probed(tmp_path: Path) -> None:
    session = automatic(tmp_path, trials=1)
    assert run_worker(session) == 0
    assert of_kind(session, e.SlotsChosen) == []


def test_a_trainer_that_never_says_how_fast_it_is_is_ended(tmp_path: Path) -> None:
    session = automatic(tmp_path)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("epochs = 3", "epochs = 3\nsilence_seconds = 1"))
    assert run_worker(session, probing=60.0) == 0
    assert only_slots_event(session).reason.endswith(
        "a trainer was lost: the trainer was killed by signal 9"
    )
    assert only_slots_event(session).slots == 1

"""Following logs: in slices, in the order in which they are written, once each."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.tui import corpus
from tests.tui.app_harness import NOW, States
from tuner.session.fold import load_session_view
from tuner.session.view import SessionState, TrialState
from tuner.tui.state.session_catalog import SessionCatalog
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.trial_filter import parse_trial_filter
from tuner.tui.widgets.trial_rows import Ordering


def clock() -> float:
    return NOW


def test_a_reading_tells_what_changed(root: Path) -> None:
    session = corpus.record_paused_session(root)
    whole = session.events_path.read_bytes()
    lines = whole.splitlines(keepends=True)
    session.events_path.write_bytes(b"".join(lines[:40]))
    feed = SessionReader(session, clock)
    first = feed.read_new_events()
    assert first is not None
    assert first.complete
    assert first.events == 40
    assert feed.read_new_events() is None
    session.events_path.write_bytes(whole)
    second = feed.read_new_events()
    assert second is not None
    assert second.trials
    assert second.trials <= set(feed.view.trials)
    assert feed.state is SessionState.PAUSED
    assert feed.view == load_session_view(session)


def test_a_history_that_takes_longer_is_read_over_several_slices(root: Path) -> None:
    feed = SessionReader(corpus.record_finished_session(root), clock)
    readings = [feed.read_new_events(0.0) for _ in range(4)]
    assert not all(reading and reading.complete for reading in readings)
    while not feed.complete:
        feed.read_new_events(0.0)
    assert feed.state is SessionState.FINISHED


def test_a_draft_shows_what_its_recipe_asks_for(root: Path) -> None:
    feed = SessionReader(corpus.create_draft_session(root), clock)
    feed.read_new_events()
    assert feed.state is SessionState.DRAFT
    assert feed.view.planned == 40


def test_a_lock_that_is_given_back_is_seen_without_a_word(root: Path, states: States) -> None:
    session = corpus.record_running_session(root)
    states.running(session.name)
    feed = SessionReader(session, clock)
    feed.read_new_events()
    assert feed.state is SessionState.RUNNING
    states.states_by_name.clear()
    feed.expire_lock_check()
    reading = feed.read_new_events()
    assert reading is not None
    assert (reading.state, reading.trials) == (SessionState.CRASHED, frozenset({14}))


def test_the_catalog_reads_all_and_again_only_what_grew(root: Path) -> None:
    corpus.record_whole_corpus(root)
    catalog = SessionCatalog(root, clock)
    while not (catalog.readers and catalog.is_fully_read):
        catalog.read_sessions(0.01)
    assert catalog.readers["trec-bert"].view.best is not None
    assert catalog.read_sessions() == set()
    path = catalog.readers["sst2-bert-groups"].session.events_path
    with path.open("ab") as file:
        file.write(b'{"kind":"log","seq":-1,"time":0,"level":"info","text":"more"}\n')
    assert catalog.read_sessions() == {"sst2-bert-groups"}


def test_the_catalog_sees_folders_come_and_go(root: Path) -> None:
    catalog = SessionCatalog(root, clock)
    assert catalog.read_sessions() == set()
    session = corpus.create_draft_session(root)
    catalog._last_listing = -10.0
    assert session.name in catalog.read_sessions()
    for path in session.path.iterdir():
        path.unlink()
    session.path.rmdir()
    catalog._last_listing = -10.0
    assert session.name in catalog.read_sessions()
    assert catalog.readers == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 5))), st.booleans())
def test_an_ordering_is_always_sorted(steps: list[tuple[int, int | None]], back: bool) -> None:
    ordering, place_by_number = Ordering(is_reversed=back), dict[int, tuple[int]]()
    for number, place in steps:
        if place is None:
            assert ordering.remove_number(number) == (place_by_number.pop(number, None) is not None)
        else:
            assert ordering.update_position(number, (place,)) == (
                place_by_number.get(number) != (place,)
            )
            place_by_number[number] = (place,)
    expected = sorted(place_by_number, key=lambda number: (place_by_number[number], number))
    assert ordering.ordered_numbers == (expected[::-1] if back else expected)


def test_what_a_lost_worker_left_running_waits(root: Path) -> None:
    session = corpus.record_crashed_session(root)
    feed = SessionReader(session)
    while not feed.complete:
        feed.read_new_events()
    assert feed.state is SessionState.CRASHED
    assert feed.view.trials[3].state is TrialState.PAUSED
    assert not feed.trial_counts.running
    assert load_session_view(session).trials[3].state is TrialState.RUNNING
    test = parse_trial_filter("state:paused", feed.view)
    assert test is not None
    assert [number for number, trial in feed.view.trials.items() if test(trial)] == [3]

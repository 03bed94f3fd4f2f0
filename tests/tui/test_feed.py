"""Following logs: in slices, in the order in which they are written, once each."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.tui import corpus
from tests.tui.stage import NOW, States
from tuner.session.fold import load_view
from tuner.session.view import SessionState, TrialState
from tuner.tui.catalog import Catalog
from tuner.tui.feed import Feed
from tuner.tui.filtering import read_filter
from tuner.tui.widgets.ordering import Ordering


def clock() -> float:
    return NOW


def test_a_reading_tells_what_changed(root: Path) -> None:
    session = corpus.paused(root)
    whole = session.events_path.read_bytes()
    lines = whole.splitlines(keepends=True)
    session.events_path.write_bytes(b"".join(lines[:40]))
    feed = Feed(session, clock)
    first = feed.read()
    assert first is not None
    assert first.complete
    assert first.events == 40
    assert feed.read() is None
    session.events_path.write_bytes(whole)
    second = feed.read()
    assert second is not None
    assert second.trials
    assert second.trials <= set(feed.view.trials)
    assert feed.state is SessionState.PAUSED
    assert feed.view == load_view(session)


def test_a_history_that_takes_longer_is_read_over_several_slices(root: Path) -> None:
    feed = Feed(corpus.finished(root), clock)
    readings = [feed.read(0.0) for _ in range(4)]
    assert not all(reading and reading.complete for reading in readings)
    while not feed.complete:
        feed.read(0.0)
    assert feed.state is SessionState.FINISHED


def test_a_draft_shows_what_its_recipe_asks_for(root: Path) -> None:
    feed = Feed(corpus.draft(root), clock)
    feed.read()
    assert feed.state is SessionState.DRAFT
    assert feed.view.planned == 40


def test_a_lock_that_is_given_back_is_seen_without_a_word(root: Path, states: States) -> None:
    session = corpus.running(root)
    states.running(session.name)
    feed = Feed(session, clock)
    feed.read()
    assert feed.state is SessionState.RUNNING
    states.told.clear()
    feed.look_again()
    reading = feed.read()
    assert reading is not None
    assert (reading.state, reading.trials) == (SessionState.CRASHED, frozenset({14}))


def test_the_catalog_reads_all_and_again_only_what_grew(root: Path) -> None:
    corpus.all_of_them(root)
    catalog = Catalog(root, clock)
    while not (catalog.feeds and catalog.complete):
        catalog.read(0.01)
    assert catalog.feeds["trec-bert"].view.best is not None
    assert catalog.read() == set()
    path = catalog.feeds["sst2-bert-groups"].session.events_path
    with path.open("ab") as file:
        file.write(b'{"kind":"log","seq":-1,"time":0,"level":"info","text":"more"}\n')
    assert catalog.read() == {"sst2-bert-groups"}


def test_the_catalog_sees_folders_come_and_go(root: Path) -> None:
    catalog = Catalog(root, clock)
    assert catalog.read() == set()
    session = corpus.draft(root)
    catalog._listed = -10.0
    assert session.name in catalog.read()
    for path in session.path.iterdir():
        path.unlink()
    session.path.rmdir()
    catalog._listed = -10.0
    assert session.name in catalog.read()
    assert catalog.feeds == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 5))), st.booleans())
def test_an_ordering_is_always_sorted(steps: list[tuple[int, int | None]], back: bool) -> None:
    ordering, known = Ordering(backwards=back), dict[int, tuple[int]]()
    for number, place in steps:
        if place is None:
            assert ordering.drop(number) == (known.pop(number, None) is not None)
        else:
            assert ordering.put(number, (place,)) == (known.get(number) != (place,))
            known[number] = (place,)
    expected = sorted(known, key=lambda number: (known[number], number))
    assert ordering.numbers == (expected[::-1] if back else expected)


def test_what_a_lost_worker_left_running_waits(root: Path) -> None:
    session = corpus.crashed(root)
    feed = Feed(session)
    while not feed.complete:
        feed.read()
    assert feed.state is SessionState.CRASHED
    assert feed.view.trials[3].state is TrialState.PAUSED
    assert not feed.tally.running
    assert load_view(session).trials[3].state is TrialState.RUNNING
    test = read_filter("state:paused", feed.view)
    assert test is not None
    assert [number for number, trial in feed.view.trials.items() if test(trial)] == [3]

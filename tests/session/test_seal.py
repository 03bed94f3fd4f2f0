"""Sealed rows in the log: when others may take their place, and who opened them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from tests.session.event_logs import plain_recipe
from tuner.recipe.findings import TestRows
from tuner.session import events as e
from tuner.session.fold import fold_events
from tuner.session.folder import Session, create_session
from tuner.session.test_seal import (
    describe_openings,
    describe_test_rows,
    find_openings,
    reason_seal_is_broken,
    reason_test_is_final,
)
from tuner.session.view import SessionView
from tuner.session.writer import EventWriter

SEALED = TestRows(source="test.csv", rows=9, digest="d", texts="t")


def sealed_score_event(texts: str = "t", **changes: object) -> e.TestScored:
    event = e.TestScored(
        trial=1, n=9, metrics={"accuracy": 0.5}, confusion=[[9]], opened=1, texts=texts
    )
    return msgspec.structs.replace(event, **changes)


def session(root: Path, name: str, *events: e.Event, hashes: tuple[str, ...] = ()) -> Session:
    new_session = create_session(root, name, "")
    with EventWriter(new_session.events_path) as writer:
        for event in events:
            writer.append_event(event)
    if hashes:
        (new_session.path / "test_predictions.json").write_text(json.dumps({"texts": hashes}))
    return new_session


def view_of(*events: e.AnyEvent) -> SessionView:
    view = SessionView(name="s")
    fold_events(view, events)
    return view


def test_openings_are_counted_by_content_over_all_sessions(tmp_path: Path) -> None:
    own_session = session(
        tmp_path, "own", sealed_score_event(), e.Log(level="info", text='"test_scored"')
    )
    first = session(
        tmp_path, "first", sealed_score_event(), sealed_score_event(), hashes=("a", "b", "c")
    )
    session(tmp_path, "other", sealed_score_event("another"), hashes=("b", "c", "x"))
    session(tmp_path, "before-digests", sealed_score_event(""))
    session(tmp_path, "unopened")
    shutil.copytree(first.path, tmp_path / "copy")
    openings = find_openings(own_session, "t", ["a", "b", "c"])
    assert (openings.times, openings.sessions) == (3, ["copy", "first"])
    assert (openings.shared, openings.unread) == ({"other": 2}, [])
    assert find_openings(own_session, "new", []).times == 0


def test_a_session_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    own_session = session(tmp_path, "own")
    broken = session(tmp_path, "broken", hashes=("a",))
    (broken.path / "test_predictions.json").write_text("{")
    pipe = session(tmp_path, "pipe")
    os.mkfifo(pipe.path / "test_predictions.json")
    assert find_openings(own_session, "t", ["a"]).unread == ["broken", "pipe"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (sealed_score_event(), "opened for the first time by a session of this folder"),
        (sealed_score_event(opened=3, sessions=["a", "b"]), "opened 3 times, before by a, b"),
        (sealed_score_event(opened=2), "opened 2 times"),
        (
            sealed_score_event(shared={"a": 4}),
            "opened for the first time as a whole; some were opened before: 4 by a",
        ),
    ],
)
def test_the_first_time_is_said_where_it_is_true(event: e.TestScored, said: str) -> None:
    assert describe_openings(event) == said


def test_rows_may_be_replaced_until_they_are_opened() -> None:
    seal = e.TestSealed(source="test.csv", rows=9, digest="d", texts="t")
    same = msgspec.structs.replace(SEALED, source="moved.csv")
    cut = TestRows(source="test.csv", rows=5, digest="cut", texts="u")
    other_rows = TestRows(source="other.csv", rows=5, digest="cut", texts="u")
    share = TestRows(source="", rows=5, digest="cut", texts="u")
    view = view_of(seal)
    assert describe_test_rows(view) == "9 rows sealed"
    assert (
        reason_seal_is_broken(view, same)
        == reason_seal_is_broken(view, other_rows)
        == reason_test_is_final(view)
        == ""
    )
    assert "has changed since its rows were sealed (9 rows then, 5 now)" in reason_seal_is_broken(
        view, cut
    )
    assert "`tuner set s data.test=test.csv` seals what is there" in reason_seal_is_broken(
        view, cut
    )
    assert reason_seal_is_broken(view_of(seal, e.TestReplaced(source="test.csv")), cut) == ""
    sealed_share = view_of(msgspec.structs.replace(seal, source=""))
    assert "a share of validation, are not those that were sealed" in reason_seal_is_broken(
        sealed_share, share
    )
    opened = view_of(seal, sealed_score_event())
    assert "its rows were opened on 1970-01-01 (trial 1)" in reason_seal_is_broken(
        opened, other_rows
    )
    assert "make a new session" in reason_seal_is_broken(opened, cut)
    assert reason_seal_is_broken(opened, same) == ""


def test_the_recipe_of_the_view_names_the_file_that_is_sealed() -> None:
    recipe = plain_recipe(data={"test": "old.csv"})
    started = e.SessionStarted(trials=1, metric="loss", direction="minimize", recipe=recipe)
    view = view_of(started, e.TestSealed(source="new.csv", rows=1, digest="d"))
    assert view.require_recipe().data.test == "new.csv"
    assert started.recipe["data"]["test"] == "old.csv"

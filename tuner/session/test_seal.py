"""The sealed test rows: which ones they are, when others may take their place, who opened them."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from tuner.recipe.changes import TEST
from tuner.recipe.findings import TestRows
from tuner.recipe.regular_file import open_regular_file
from tuner.recipe.types import Recipe
from tuner.results.format import count_in_words
from tuner.session.codec import decode_event_line
from tuner.session.events import TestScored, TestSealed
from tuner.session.folder import Session, list_sessions
from tuner.session.view import SessionView

PREDICTIONS = "test_predictions.json"
_MARK = b'"test_scored"'


@dataclass(slots=True)
class TestOpenings:
    """Who opened test rows of one content before: `times` in all, `sessions` besides the own one.

    `shared` counts the rows that others opened as a part of their test; `unread` are sessions that
    could not be asked.
    """

    times: int = 0
    sessions: list[str] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


class _Hashes(msgspec.Struct):
    texts: list[str] = []


def reason_test_is_final(view: SessionView) -> str:
    """Say why data.test may not change any more: its rows were opened. "" where it may."""
    if view.scored_test is None:
        return ""
    day = datetime.fromtimestamp(view.scored_test.time, UTC).date().isoformat()
    opened = f"its rows were opened on {day} (trial {view.scored_test.trial})"
    return (
        f"{TEST} cannot change any more: {opened}, and choices made after looking would bias "
        "another score; make a new session for other rows"
    )


def reason_test_change_refused(view: SessionView, before: Recipe, after: Recipe) -> str:
    """Say why a recipe with another data.test is refused; "" where it is not."""
    return "" if before.data.test == after.data.test else reason_test_is_final(view)


def reason_seal_is_broken(view: SessionView, rows: TestRows) -> str:
    """Say why these rows cannot replace the sealed ones; "" where they can or are the same."""
    sealed_before = view.sealed_test
    if sealed_before is None or sealed_before.digest == rows.digest:
        return ""
    if sealed_before.source != rows.source:
        return reason_test_is_final(view)
    changed = f"{sealed_before.rows} rows then, {rows.rows} now"
    if not rows.source:
        return (
            f"the test rows, a share of validation, are not those that were sealed ({changed}): "
            "restore the old data, or make a new session"
        )
    refused = reason_test_is_final(view)
    advice = (
        "make a new session"
        if refused
        else f"`tuner set {view.name} {TEST}={rows.source}` seals what is there now"
    )
    return (
        f"{TEST}: {rows.source} has changed since its rows were sealed ({changed}): "
        f"restore the old file, or {advice}"
    )


def sealed_rows_event(rows: TestRows) -> TestSealed:
    return TestSealed(source=rows.source, rows=rows.rows, digest=rows.digest, texts=rows.texts)


def find_openings(session: Session, texts: str, hashes: Sequence[str] = ()) -> TestOpenings:
    """Collect the openings recorded in the session folder and in those beside it.

    `texts` and `hashes` name the rows' content. A copied session tells of the same openings as the
    one it was copied from: they count once.
    """
    openings, moments, own_hashes = TestOpenings(), set[tuple[float, int]](), set(hashes)
    beside = (
        other_session
        for other_session in list_sessions(session.path.parent)
        if other_session.name != session.name
    )
    for other_session in (session, *beside):
        is_same_session = other_session is session
        try:
            times = {
                (event.time, event.trial)
                for event in _iterate_test_scores(other_session)
                if event.texts == texts or (is_same_session and not event.texts)
            }
            shared_rows = (
                0
                if is_same_session or times
                else len(own_hashes & _read_opened_hashes(other_session))
            )
        except (OSError, msgspec.DecodeError):
            openings.unread.append(other_session.name)
            continue
        moments |= times
        if times and not is_same_session:
            openings.sessions.append(other_session.name)
        if shared_rows:
            openings.shared[other_session.name] = shared_rows
    openings.times = len(moments)
    return openings


def own_opened_hashes(session: Session) -> list[str]:
    """Return the hashes of the rows that the session itself opened last."""
    return sorted(_read_opened_hashes(session))


def _read_opened_hashes(session: Session) -> set[str]:
    try:
        with open_regular_file(session.path / PREDICTIONS) as file:
            content = file.read()
    except FileNotFoundError:
        return set()
    return set(msgspec.json.decode(content, type=_Hashes).texts)


def _iterate_test_scores(session: Session) -> Iterator[TestScored]:
    """Yield the log's test scores without decoding the rest of what may be a very long log."""
    try:
        file = open_regular_file(session.events_path)
    except FileNotFoundError:
        return
    with file:
        yield from _scan_test_scores(file.fileno())


def _scan_test_scores(descriptor: int) -> Iterator[TestScored]:
    try:
        content = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        return
    with content:
        position = content.find(_MARK)
        while position >= 0:
            start, end = content.rfind(b"\n", 0, position) + 1, content.find(b"\n", position)
            end = len(content) if end < 0 else end
            event = decode_event_line(content[start:end])
            if isinstance(event, TestScored):
                yield event
            position = content.find(_MARK, end)


def describe_openings(scored: TestScored) -> str:
    """Say how often these rows were opened, and by whom: "opened 3 times, before by a, b"."""
    parts = ["opened for the first time by a session of this folder"]
    if scored.opened > 1:
        before = f", before by {', '.join(scored.sessions)}" if scored.sessions else ""
        parts = [f"opened {scored.opened} times{before}"]
    elif scored.shared:
        parts = ["opened for the first time as a whole"]
    if scored.shared:
        counts_by_session = ", ".join(f"{count} by {name}" for name, count in scored.shared.items())
        parts.append(f"some were opened before: {counts_by_session}")
    return "; ".join(parts)


def describe_test_rows(view: SessionView) -> str:
    """Describe the test rows in a line for status and screens; "" where there are none."""
    if view.scored_test is not None:
        return f"{count_in_words(view.scored_test.n, 'row')}, {describe_openings(view.scored_test)}"
    if view.sealed_test is not None:
        return f"{count_in_words(view.sealed_test.rows, 'row')} sealed"
    return ""

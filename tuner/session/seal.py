"""The sealed test rows: which ones they are, when others may take their place, who opened them."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from tuner.recipe.changes import TEST
from tuner.recipe.findings import TestRows
from tuner.recipe.plain_file import open_plain
from tuner.recipe.types import Recipe
from tuner.results.format import counted
from tuner.session.codec import decode_line
from tuner.session.events import TestScored, TestSealed
from tuner.session.folder import Session, list_sessions
from tuner.session.view import SessionView

PREDICTIONS = "test_predictions.json"
_MARK = b'"test_scored"'


@dataclass(slots=True)
class Openings:
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


def replacing_refused(view: SessionView) -> str:
    """Why data.test may not change any more, "" where it may: until the rows were opened."""
    if view.test is None:
        return ""
    day = datetime.fromtimestamp(view.test.time, UTC).date().isoformat()
    return (
        f"{TEST} stays: its rows were opened on {day} (trial {view.test.trial}), and a choice "
        "made after looking would make another score too good; make a new session for other rows"
    )


def change_of_test_refused(view: SessionView, before: Recipe, now: Recipe) -> str:
    """Why a recipe with another data.test is refused, "" where it is not."""
    return "" if before.data.test == now.data.test else replacing_refused(view)


def seal_broken(view: SessionView, rows: TestRows) -> str:
    """Why these rows cannot stand for the sealed ones; "" where they are those, or may be new."""
    known = view.sealed
    if known is None or known.digest == rows.digest:
        return ""
    if known.source != rows.source:
        return replacing_refused(view)
    changed = f"{known.rows} rows then, {rows.rows} now"
    if not rows.source:
        return (
            f"the test rows, a share of validation, are not those that were sealed ({changed}): "
            "put the old data back, or make a new session"
        )
    refused = replacing_refused(view)
    way = (
        "make a new session"
        if refused
        else f"`tuner set {view.name} {TEST}={rows.source}` seals what is there now"
    )
    return (
        f"{TEST}: {rows.source} has changed since its rows were sealed ({changed}): "
        f"put the old file back, or {way}"
    )


def as_event(rows: TestRows) -> TestSealed:
    """What the log says of newly sealed rows."""
    return TestSealed(source=rows.source, rows=rows.rows, digest=rows.digest, texts=rows.texts)


def openings_of(session: Session, texts: str, hashes: Sequence[str] = ()) -> Openings:
    """The openings that the session's folder and those beside it tell of.

    `texts` and `hashes` name the rows' content. A copied session tells of the same openings as the
    one it was copied from: they count once.
    """
    found, seen, own_hashes = Openings(), set[tuple[float, int]](), set(hashes)
    beside = (one for one in list_sessions(session.path.parent) if one.name != session.name)
    for one in (session, *beside):
        own = one is session
        try:
            times = {
                (event.time, event.trial)
                for event in _scored_in(one)
                if event.texts == texts or (own and not event.texts)
            }
            common = 0 if own or times else len(own_hashes & _opened_hashes(one))
        except (OSError, msgspec.DecodeError):
            found.unread.append(one.name)
            continue
        seen |= times
        if times and not own:
            found.sessions.append(one.name)
        if common:
            found.shared[one.name] = common
    found.times = len(seen)
    return found


def opened_hashes(session: Session) -> list[str]:
    """The names of the rows that the session itself opened last."""
    return sorted(_opened_hashes(session))


def _opened_hashes(session: Session) -> set[str]:
    try:
        with open_plain(session.path / PREDICTIONS) as file:
            content = file.read()
    except FileNotFoundError:
        return set()
    return set(msgspec.json.decode(content, type=_Hashes).texts)


def _scored_in(session: Session) -> Iterator[TestScored]:
    """Without decoding the rest of what may be a very long log."""
    try:
        file = open_plain(session.events_path)
    except FileNotFoundError:
        return
    with file:
        yield from _scored_lines(file.fileno())


def _scored_lines(descriptor: int) -> Iterator[TestScored]:
    try:
        content = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        return
    with content:
        at = content.find(_MARK)
        while at >= 0:
            start, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
            end = len(content) if end < 0 else end
            event = decode_line(content[start:end])
            if isinstance(event, TestScored):
                yield event
            at = content.find(_MARK, end)


def opened_text(scored: TestScored) -> str:
    """How often these rows were opened, and by whom: "opened 3 times, before by a, b"."""
    parts = ["opened for the first time by a session of this folder"]
    if scored.opened > 1:
        before = f", before by {', '.join(scored.sessions)}" if scored.sessions else ""
        parts = [f"opened {scored.opened} times{before}"]
    elif scored.shared:
        parts = ["opened for the first time as a whole"]
    if scored.shared:
        by = ", ".join(f"{count} by {name}" for name, count in scored.shared.items())
        parts.append(f"some were opened before: {by}")
    return "; ".join(parts)


def state_of_test_rows(view: SessionView) -> str:
    """How it is with the test rows, in a line for status and screens; "" where there are none."""
    if view.test is not None:
        return f"{counted(view.test.n, 'row')}, {opened_text(view.test)}"
    if view.sealed is not None:
        return f"{counted(view.sealed.rows, 'row')} sealed"
    return ""

"""The event log: written by one, read by anybody, cut anywhere."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.session.event_logs import story, write
from tuner.session import events as e
from tuner.session.codec import UNREADABLE
from tuner.session.existing_file import UnreadableFile
from tuner.session.fold import fold_events
from tuner.session.inbox import CommandReader
from tuner.session.tail import EventTail
from tuner.session.view import SessionView
from tuner.session.write_guard import read_log_schema
from tuner.session.writer import EventWriter, last_event_number, size_of_complete_lines


def test_a_log_cut_at_every_byte_opens_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = story()[-8:]
    content = write(path, events)
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        assert EventTail(path).read_all_events() == events[:whole]
        with EventWriter(path) as writer:
            writer.append_event(e.Log(level="info", text="goes on"))
        read = EventTail(path).read_all_events()
        readable = [event for event in read if not isinstance(event, e.Unknown)]
        assert read[:whole] == events[:whole]
        assert isinstance(readable[-1], e.Log)
        seqs = [event.seq for event in readable]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        fold_events(SessionView(), read)


def test_a_torn_tail_is_closed_off_and_shown_as_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, story()[:3])
    with path.open("ab") as file:
        file.write(b'{"kind":"st')
    tail = EventTail(path)
    assert len(tail.read_all_events()) == 3
    with EventWriter(path) as writer:
        assert writer.append_event(e.Log(level="info", text="x")).seq == 3
    unreadable, log = tail.read_all_events()
    assert isinstance(unreadable, e.Unknown)
    assert unreadable.kind == UNREADABLE
    assert isinstance(log, e.Log)


READERS: list[Callable[[Path], object]] = [
    lambda path: EventTail(path).read_all_events(),
    lambda path: EventTail(path).skip_to_end(),
    lambda path: CommandReader(path).read_new_commands(),
    last_event_number,
    size_of_complete_lines,
    read_log_schema,
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE])
def test_a_file_that_cannot_be_read_does_not_look_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[Path], object], code: int
) -> None:
    path = tmp_path / "some.jsonl"
    reader(path)  # a missing one does
    path.write_bytes(b"{}\n")

    def refuse(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableFile, match=r"some\.jsonl cannot be read: "):
        reader(path)


class BadBlock(io.BytesIO):
    """A file whose second block cannot be read."""

    def read(self, _size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(400)


def test_events_before_a_bad_block_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write(tmp_path / "events.jsonl", story())
    monkeypatch.setattr(
        "tuner.session.existing_file.open_regular_file", lambda _: BadBlock(content)
    )
    tail = EventTail(tmp_path / "events.jsonl")
    assert tail.read_all_events() == story()[: content[:400].count(b"\n")]
    assert not tail.at_end
    with pytest.raises(UnreadableFile, match=r"events\.jsonl cannot be read"):
        tail.read_all_events()


def test_unknown_kinds_and_garbage_pass(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [
        b'{"kind":"weather","seq":0,"time":1.5,"sun":true}',
        b"\x00\xff garbage",
        b"[1, 2]",
        b'{"kind":"trial_completed","seq":1,"time":2,"trial":"twelve"}',
        b'{"kind":"log","seq":2,"time":3,"level":"info","text":"x","more":1}',
        b'{"kind":{},"seq":"a","time":null}',
        b"[" * 100_000,
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    events = EventTail(path).read_all_events()
    assert [event.kind for event in events if isinstance(event, e.Unknown)] == [
        "weather", UNREADABLE, UNREADABLE, "trial_completed", UNREADABLE, UNREADABLE,
    ]  # fmt: skip
    assert isinstance(events[4], e.Log)
    view = SessionView()
    fold_events(view, events)
    assert view.next_seq == 3


def test_a_tail_reads_what_is_appended_later_and_says_when_it_is_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read_events() == []
    assert tail.at_end
    with EventWriter(path) as writer:
        writer.append_event(e.Log(level="info", text="one"))
        assert [event.seq for event in tail.read_events()] == [0]
        writer.append_event(e.Log(level="info", text="two"))
        assert [event.seq for event in tail.read_events()] == [1]
        assert tail.read_events() == []


def test_a_tail_that_skips_reads_what_is_written_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    tail.skip_to_end()
    with EventWriter(path) as writer:
        writer.append_event(e.Log(level="info", text="a" * 200_000))
        with path.open("ab") as file:
            file.write(b'{"kind":"torn' + b"z" * 100_000)
        tail.skip_to_end()
        writer.append_event(e.Log(level="info", text="b"))
    assert [event.seq for event in tail.read_all_events()] == [-1, 1]


def test_a_slice_without_time_still_gets_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        for _ in range(1000):
            writer.append_event(e.Log(level="info", text="x" * 50))
    tail = EventTail(path)
    first = tail.read_events(budget=0.0)
    assert 0 < len(first) < 1000
    assert not tail.at_end
    later_events = tail.read_all_events()
    assert [event.seq for event in first + later_events] == list(range(1000))


def test_numbering_goes_on_where_another_writer_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert last_event_number(path) == -1
    for seq in range(3):
        with EventWriter(path) as writer:
            assert writer.append_event(e.Log(level="info", text="y" * 40_000)).seq == seq
            writer.sync_to_disk()
    assert last_event_number(path) == 2
    with path.open("ab") as file:
        file.write(b"z" * 200_000)
    assert last_event_number(path) == 2

"""Files that are torn, foreign, newer, moved or copied: told in one line, never guessed at."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.recorded_sessions import create_finished_session
from tests.faults import fault_counts
from tests.faults.command_line import call, is_inert, is_one_line
from tests.worker.worker_sessions import (
    evaluations,
    events,
    kinds,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
)
from tuner.session import events as e
from tuner.session.commands import Pause
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.inbox import send_command
from tuner.session.lock import lock_holder_pid
from tuner.session.status import build_status, load_current_session
from tuner.session.tail import EventTail
from tuner.session.write_guard import read_log_schema
from tuner.session.writer import EventWriter
from tuner.worker import launch

VIEWS = (("list",), ("status", "done"), ("trials", "done"), ("show", "done", "1"))
GARBAGE: tuple[bytes, ...] = (
    b"garbage",
    b"\x00" * 50,
    b"\xff\xfe\xfd",
    b"{}",
    b"[]",
    b"null",
    b'{"kind":"log","seq":1e400,"time":1,"level":"x","text":"y"}',
    b'{"kind":"trial_completed","seq":3,"time":NaN,"trial":0,"value":Infinity}',
    b'{"kind":"step","seq":18446744073709551616,"time":-1}',
    b'{"kind":"session_created","seq":0,"time":0,"schema":-1,"name":"\\u001b[2J","tuner":"x"}',
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'"' + b"x" * 300_000 + b'"',
)


def looks_sound(root: Path) -> None:
    """Every command that shows a session shows it, or says in one line why not."""
    for words in VIEWS:
        answer = call(root, *words)
        assert answer.code in (0, 2, 3), answer
        is_inert(answer.stdout)
        if answer.code:
            is_one_line(answer.stderr)


def test_a_whole_log_cut_at_many_bytes_is_read(tmp_path: Path) -> None:
    _cut(tmp_path, 13)


@pytest.mark.long
def test_a_whole_log_cut_at_every_byte_is_read(tmp_path: Path) -> None:
    _cut(tmp_path, 1)


def _cut(root: Path, step: int) -> None:
    session = create_finished_session(root, "done")
    whole = session.events_path.read_bytes()
    for cut in range(0, len(whole), step):
        session.events_path.write_bytes(whole[:cut])
        view, state = load_current_session(session)
        assert view.next_seq == whole[:cut].count(b"\n")
        build_status(session, view, state)
        if cut % (step * 50) == 0:
            looks_sound(root)
    fault_counts.count_event("cuts of a log", len(whole) // step)


@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
def test_a_line_of_garbage_anywhere_is_shown_as_one(tmp_path: Path, line: bytes) -> None:
    session = create_finished_session(tmp_path, "done")
    lines = session.events_path.read_bytes().splitlines()
    before = load_session_view(session)
    for place in range(0, len(lines) + 1, 12):
        spoilt = [*lines[:place], line, *lines[place:]]
        session.events_path.write_bytes(b"\n".join(spoilt) + b"\n")
        view = load_session_view(session)
        assert {n: t.state for n, t in view.trials.items()} == {
            n: t.state for n, t in before.trials.items()
        }
    looks_sound(tmp_path)


def test_a_worker_goes_on_after_garbage_in_every_file_that_it_appends_to(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    process = run_worker_until(session, evaluations(2), pace=0.02)
    process.kill()
    for path in (session.events_path, session.commands_path, session.log_path):
        with path.open("ab") as file:
            file.write(b"\n" + b"\n".join(GARBAGE) + b"\nand no end")
    assert run_worker(session) == 0
    assert kinds(session)[-1] == "SessionFinished"
    assert len(of_kind(session, e.TrialCompleted)) + len(of_kind(session, e.TrialPruned)) == 3


COMMANDS: tuple[object, ...] = (
    1,
    "pause",
    None,
    {"kind": "dance", "id": "1"},
    {"kind": "pause"},
    {"kind": "pause", "id": 3},
    {"kind": "pause", "id": "x" * 100_000},
    {"kind": "prune", "id": "a", "trial": 10**30},
    {"kind": "prune", "id": "b", "trial": -1},
    {"kind": "prune", "id": "c", "trial": "0"},
    {"kind": "prune", "id": "c2", "trial": 10**8, "time": 1e300},
    {"kind": "enqueue", "id": "d", "params": []},
    {"kind": "enqueue", "id": "e", "params": {"lr.head": "x"}},
    {"kind": "enqueue", "id": "f", "params": {"lr.head": [1]}},
    {"kind": "enqueue", "id": "g", "params": {"lr.head": 10**400}},
    {"kind": "enqueue", "id": "h", "params": {"lr.head": -1}},
    {"kind": "enqueue", "id": "i", "params": {"\x1b[2J": 1}},
    {"kind": "enqueue", "id": "j", "params": {"seed": 10**30}},
    {"kind": "enqueue", "id": "k", "params": {"lr.head": {"low": 1}}},
    {"kind": "enqueue", "id": "l", "params": {}, "rerun_of": 99},
    {"kind": "enqueue", "id": "m", "params": {}, "rerun_of": -1},
    {"kind": "enqueue", "id": "n", "params": {"epochs": True}},
    {"kind": "enqueue", "id": "o", "params": {"lr.head": None}},
    {"kind": "enqueue", "id": "p", "params": {"seed": 1.5}},
    {"kind": "enqueue", "id": "q", "params": {"seed": "x"}, "rerun_of": 0},
    {"kind": "enqueue", "id": "r", "params": {}, "copy_of": 10**30},
    {"kind": "enqueue", "id": "s", "params": {"lr.body": "frozen"}},
)


def test_commands_that_make_no_sense_are_refused_and_the_study_goes_on(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    lines = (json.dumps(command).replace("Infinity", "1e999") for command in COMMANDS)
    session.commands_path.write_text("".join(f"{line}\n" for line in lines))
    assert run_worker(session) == 0
    assert kinds(session)[-1] == "SessionFinished"
    answers = {event.id: event for event in of_kind(session, e.CommandDone)}
    assert all(answer.result.isprintable() for answer in answers.values())
    assert not any(answers[name].ok for name in "abceghijk" if name in answers)
    fault_counts.count_event("commands without sense", len(COMMANDS))


# ── the study's database ─────────────────────────────────────────────────────────────────────


def _older(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE version_info SET schema_version = 5, library_version = '1.0.0'")
        connection.execute("UPDATE alembic_version SET version_num = 'v0.9.0.a'")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE version_info SET schema_version = 99, library_version = '99.0'")
        connection.execute("UPDATE alembic_version SET version_num = 'v99.0.0.a'")


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def _torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DATABASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "older": (_older, "another version of Optuna"),
    "newer": (_newer, "another version of Optuna"),
    "foreign": (_foreign, "another program"),
    "torn": (_torn, "damaged"),
    "garbage": (lambda path: path.write_bytes(b"garbage" * 1000), "damaged or not"),
    "gone": (lambda path: path.unlink(), "has no trial"),
    "empty": (lambda path: path.write_bytes(b""), "has no trial"),
    "a folder": (_a_folder, "is a folder"),
}


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Make a session that was killed after some trials."""
    session = make_session(tmp_path_factory.mktemp("halfway"), trials=4)
    run_worker_until(session, evaluations(4), pace=0.02).kill()
    with closing(sqlite3.connect(session.database_path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return session


@pytest.mark.parametrize(("spoil", "says"), DATABASES.values(), ids=DATABASES.keys())
def test_a_database_that_is_not_the_studys(
    halfway: Session, tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    session = Session(Path(shutil.copytree(halfway.path, tmp_path / "demo")))
    for path in session.path.glob("study.db-*"):
        path.unlink()
    whole = session.database_path.read_bytes()
    spoil(session.database_path)
    assert run_worker(session) == 1
    reason = load_session_view(session).reason
    assert says in reason
    assert reason.isprintable()
    assert "Traceback" not in session.log_path.read_text()
    _remove(session.path.glob("study.db*"))
    session.database_path.write_bytes(whole)
    assert run_worker(session) == 0, "with the right one it goes on"
    assert len(load_session_view(session).trials) == 4


def _remove(paths: Iterator[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def test_a_database_that_is_read_by_another_does_not_hold_the_worker_up(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    with closing(sqlite3.connect(session.database_path)) as reader:
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM trials").fetchall()
        assert run_worker(session) == 0
    assert kinds(session)[-1] == "SessionFinished"


# ── moved, copied, edited, newer ─────────────────────────────────────────────────────────────


def test_a_recipe_that_is_spoilt_while_running_harms_nothing(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    process = run_worker_until(session, evaluations(1), pace=0.01)
    text = session.recipe_path.read_bytes()
    session.recipe_path.write_bytes(b"\xff not TOML")
    assert process.wait() == 0
    assert kinds(session)[-1] == "SessionFinished"
    answer = call(tmp_path, "start", "demo")
    assert answer.code == 2
    is_one_line(answer.stderr)
    session.recipe_path.write_bytes(text)
    assert call(tmp_path, "status", "demo").code == 0


def test_a_folder_copied_while_running_goes_on_by_itself(tmp_path: Path) -> None:
    session = make_session(tmp_path / "a", trials=3)
    process = run_worker_until(session, evaluations(3), pace=0.02)
    copy = Session(Path(shutil.copytree(session.path, tmp_path / "b")))
    assert lock_holder_pid(copy.lock_path) is None
    assert process.wait() == 0
    code = run_worker(copy)
    reason = load_session_view(copy).reason
    assert code == 0 or ("database" in reason and reason.isprintable()), reason
    assert kinds(session)[-1] == "SessionFinished"


def test_a_folder_renamed_while_paused_goes_on(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    run_worker_until(session, evaluations(2), pace=0.02).kill()
    renamed = Session(session.path.rename(tmp_path / "another-name"))
    assert run_worker(renamed) == 0
    assert len(of_kind(renamed, e.TrialStarted)) >= 3
    assert call(tmp_path, "status", "another-name").code == 0


def test_a_folder_renamed_while_running_pauses_and_goes_on_from_there(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    process = run_worker_until(session, evaluations(2), pace=0.05)
    renamed = Session(session.path.rename(tmp_path / "elsewhere"))
    assert process.wait() == 0
    view = load_session_view(renamed)
    assert view.lifecycle == "session_paused"
    assert "was moved" in view.reason
    assert run_worker(renamed) == 0
    assert kinds(renamed)[-1] == "SessionFinished"
    assert len(load_session_view(renamed).trials) == 3
    assert not of_kind(renamed, e.TrialFailed)


def test_a_folder_deleted_while_running_ends_its_worker(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    shutil.rmtree(session.path, ignore_errors=True)
    assert process.wait() in (0, 2)


def test_a_clock_that_is_set_back_does_not_turn_the_log_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = create_finished_session(tmp_path, "done")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400.0)
    with EventWriter(session.events_path) as writer:
        writer.append_event(e.Log(level="info", text="yesterday"))
    times = [event.time for event in EventTail(session.events_path).read_all_events()]
    assert times == sorted(times)
    looks_sound(tmp_path)


def newer(root: Path) -> Session:
    """Make a session of a later version: a higher schema, and kinds that nobody knows yet."""
    session = create_finished_session(root, "done")
    lines = [json.loads(line) for line in session.events_path.read_text().splitlines()]
    lines[0] |= {"schema": e.SCHEMA + 1, "more": [1]}
    lines[-1] = {"kind": "session_paused", "seq": len(lines), "time": lines[-1]["time"]}
    lines.insert(3, {"kind": "weather", "seq": 3, "time": 5.0, "sun": True})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    session.events_path.write_text(text)
    return session


def test_a_session_of_a_newer_version_is_shown_and_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not_start(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(launch, "_spawn_worker_process", must_not_start)
    session = newer(tmp_path)
    assert read_log_schema(session.events_path) == e.SCHEMA + 1
    before = {path: path.read_bytes() for path in session.path.rglob("*") if path.is_file()}
    for words in VIEWS:
        assert call(tmp_path, *words).code == 0, words
    for words in (
        ("start", "done"),
        ("resume", "done"),
        ("run", "done"),
        ("enqueue", "done", "epochs=2"),
    ):
        answer = call(tmp_path, *words)
        assert answer.code == 2, words
        is_one_line(answer.stderr)
        assert "newer tuner" in answer.stderr
    assert run_worker(session) == 2
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(Exception, match="newer tuner"):
        send_command(session, Pause())


def test_the_events_of_a_killed_worker_are_all_there(halfway: Session) -> None:
    numbers = [event.seq for event in events(halfway)]
    assert numbers == list(range(len(numbers)))

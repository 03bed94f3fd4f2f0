"""Trainers as processes: what they say arrives in order, and their end is always the last word."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tuner.errors import TunerError
from tuner.pool import orphans
from tuner.pool import protocol as p
from tuner.pool.local import LocalTrainer, trainer_command
from tuner.pool.orphans import end_orphaned_trainers, hold_lock_for_child, trainer_lock_path
from tuner.pool.trainer import Trainer, TrainerExited, TrainerMessage, UndecodableMessage

ECHO = """
import json, sys
print('{"kind": "note", "level": "info", "text": "hello"}', flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["kind"] == "prune":
        print("Downloading…", flush=True)
        print('{"kind":"stopped","trial":%d,"seconds":1.5}' % request["trial"], flush=True)
        print('{"kind":"stopped","trial":null}', flush=True)
    if request["kind"] == "pause":
        print("a traceback", file=sys.stderr, flush=True)
        sys.exit(3)
"""

Messages = queue.Queue[TrainerMessage]
Start = Callable[..., tuple[LocalTrainer, Messages]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start_trainer(code: str = ECHO) -> tuple[LocalTrainer, Messages]:
        messages: Messages = queue.Queue()

        def receive(_: Trainer, message: TrainerMessage) -> None:
            messages.put(message)

        command = [sys.executable, "-c", code]
        return LocalTrainer(
            receive, lambda _: None, trainer_lock_path(tmp_path, 0), 1, command
        ), messages

    return start_trainer


def take(messages: Messages) -> TrainerMessage:
    return messages.get(timeout=20)


def test_a_request_that_cannot_be_written_is_not_taken_for_a_trainer_that_is_gone(
    start: Start,
) -> None:
    trainer, _ = start()
    setup = p.Setup(session="caf\udce9", recipe={}, device="auto", threads=1)
    with pytest.raises(UnicodeEncodeError):
        trainer.send(setup)
    trainer.request_end()
    assert not trainer.send(p.Pause())


def test_messages_arrive_in_order_and_rubbish_is_told_apart(start: Start) -> None:
    trainer, messages = start()
    assert take(messages) == p.Note(level="info", text="hello")
    assert trainer.send(p.Prune(trial=3))
    assert take(messages) == p.Stopped(trial=3, seconds=1.5)
    assert take(messages) == UndecodableMessage('{"kind":"stopped","trial":null}')
    trainer.request_end()
    lost = take(messages)
    assert isinstance(lost, TrainerExited)
    assert (lost.code, lost.lines) == (0, ("Downloading…",))
    assert not trainer.is_alive


def test_its_end_comes_with_its_code_and_last_lines(start: Start) -> None:
    trainer, messages = start()
    trainer.send(p.Pause())
    take(messages)
    lost = take(messages)
    assert isinstance(lost, TrainerExited)
    assert lost.describe_exit() == "the trainer exited with code 3"
    assert lost.lines == ("a traceback",)
    assert not trainer.send(p.Pause())


def test_a_killed_trainer_takes_its_children_along(start: Start) -> None:
    trainer, messages = start("import subprocess; subprocess.run(['sleep', '60'])")
    time.sleep(0.3)
    trainer.kill_process_group()
    lost = take(messages)
    assert isinstance(lost, TrainerExited)
    assert lost.describe_exit() == "the trainer was killed by signal 9"
    trainer.kill_process_group()


def test_a_trainer_is_an_orphan_until_it_has_ended(start: Start, tmp_path: Path) -> None:
    trainer, messages = start()
    take(messages)
    assert trainer_lock_path(tmp_path, 0).read_text() == f"{trainer.pid}\n"
    assert end_orphaned_trainers(tmp_path, patience=0.0) == [trainer.pid]
    assert isinstance(take(messages), TrainerExited)
    assert end_orphaned_trainers(tmp_path, patience=0.0) == []


@pytest.mark.parametrize(
    ("written", "problem"),
    [("", "does not tell its pid"), ("4321\n", "trainer 4321 .* cannot be killed")],
)
def test_an_orphan_that_cannot_be_ended_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, problem: str
) -> None:
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    monkeypatch.setattr(orphans, "KILL_PATIENCE", 0.0)
    path = trainer_lock_path(tmp_path, 0)
    with hold_lock_for_child(path):
        path.write_text(written)
        with pytest.raises(TunerError, match=problem):
            end_orphaned_trainers(tmp_path, patience=0.0)


def test_no_orphans_in_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert end_orphaned_trainers(tmp_path / "cache", patience=0.0) == []


def test_the_trainer_of_a_command_and_its_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNER_TRAINER", raising=False)
    assert trainer_command()[-2:] == ["-m", "tuner.training"]
    monkeypatch.setenv("TUNER_TRAINER", "python 'my trainer.py'")
    assert trainer_command() == ["python", "my trainer.py"]

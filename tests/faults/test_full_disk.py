"""A disk without room, at any write: one line, a pause, and nothing that is not mended by room."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.recorded_sessions import create_draft
from tests.faults import fault_counts
from tests.faults.command_line import call, is_one_line
from tests.faults.conftest import Calm
from tests.faults.full_disk import Full, live_with_full_disk, small_disk
from tests.faults.kill_points import Kill
from tests.faults.processes import Plan, live
from tests.faults.studies import Tiny, assert_same, assert_sound
from tuner.session.disk_reserve import RESERVE_BYTES, ensure_disk_reserve, session_bytes_used
from tuner.session.fold import load_session_view
from tuner.session.folder import Session, write_private_file
from tuner.worker import launch

TORN = 2
WORKER_AT = (17, 66)
TRAINER_AT = (120,)


def went_without_room(session: Session, code: int) -> str:
    """How a worker that met the full disk ended: what its session says of it."""
    view = load_session_view(session)
    printed = session.log_path.read_text(errors="replace") if session.log_path.exists() else ""
    assert "Traceback" not in printed, printed[-3000:]
    assert code in (0, 1, 2), code
    if view.lifecycle == "session_paused":
        assert re.search("(make room|mount that disk).*, then resume", view.reason), view.reason
        assert view.reason.isprintable()
        return view.reason
    return ""


def goes_on_as_if_nothing_had_been(session: Session, calm: Calm) -> None:
    """With room again."""
    if load_session_view(session).lifecycle != "session_finished":
        assert live(session) == 0
    assert_sound(session, torn=TORN)
    assert_same(session, calm.portrait)


@pytest.mark.parametrize("at", WORKER_AT)
def test_the_worker_meets_a_full_disk(tiny: Tiny, calm: Calm, at: int) -> None:
    _meet_in_worker(tiny, calm, Full(at, errno.ENOSPC))


@pytest.mark.parametrize("at", TRAINER_AT)
def test_the_trainer_meets_a_full_disk(tiny: Tiny, calm: Calm, at: int) -> None:
    _meet_in_trainer(tiny, calm, Full(at, errno.ENOSPC))


def _meet_in_worker(tiny: Tiny, calm: Calm, full: Full) -> None:
    session = tiny.session()
    code = live_with_full_disk(session, worker=full)
    pause_reason = went_without_room(session, code)
    assert (
        pause_reason
        or code
        or not full.reserve
        or load_session_view(session).lifecycle == "session_finished"
    )
    goes_on_as_if_nothing_had_been(session, calm)
    fault_counts.count_event("full disks that a worker met")
    shutil.rmtree(session.path)


def _meet_in_trainer(tiny: Tiny, calm: Calm, full: Full) -> None:
    session = tiny.session()
    code = live_with_full_disk(session, trainer=full)
    pause_reason = went_without_room(session, code)
    assert pause_reason or load_session_view(session).lifecycle == "session_finished"
    goes_on_as_if_nothing_had_been(session, calm)
    fault_counts.count_event("full disks that a trainer met")
    shutil.rmtree(session.path)


@pytest.mark.parametrize("full", [Full(40, errno.EDQUOT), Full(50, errno.EROFS, reserve=False)])
def test_quotas_and_disks_that_became_read_only(tiny: Tiny, calm: Calm, full: Full) -> None:
    _meet_in_worker(tiny, calm, full)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_worker_meets_a_full_disk_at_every_write(tiny: Tiny, calm: Calm) -> None:
    for first_refused_call in range(1, len(calm.worker) + 8):
        _meet_in_worker(tiny, calm, Full(first_refused_call, errno.ENOSPC))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_trainer_meets_a_full_disk_at_many_writes(tiny: Tiny, calm: Calm) -> None:
    for first_refused_call in range(1, len(calm.trainer), 5):
        _meet_in_trainer(tiny, calm, Full(first_refused_call, errno.ENOSPC))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Four megabytes of a real file system."""
    try:
        with small_disk(tmp_path / "disk", "4m") as folder:
            yield folder
    except PermissionError as error:
        pytest.skip(f"nothing can be mounted here: {error}")


def fill_but(disk: Path, bytes_left: int) -> Path:
    """Leave so many bytes on a disk."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler.write_bytes(b"\0" * max(0, free - bytes_left))
    return filler


def _on_a_small_disk(disk: Path, tiny: Tiny, calm: Calm, bytes_left: int) -> None:
    new_session = tiny.session()
    session = Session(Path(shutil.move(new_session.path, disk / "s")))
    filler = fill_but(disk, bytes_left)
    code = live(session)
    went_without_room(session, code)
    filler.unlink()
    goes_on_as_if_nothing_had_been(session, calm)
    shutil.rmtree(session.path)
    fault_counts.count_event("real disks that were full")


@pytest.mark.parametrize("left", [0, 460])
def test_a_real_disk_that_is_full(disk: Path, tiny: Tiny, calm: Calm, left: int) -> None:
    _on_a_small_disk(disk, tiny, calm, left * 1024)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_real_disk_that_is_full_sooner_or_later(disk: Path, tiny: Tiny, calm: Calm) -> None:
    for kibibytes_left in range(0, 1000, 12):
        _on_a_small_disk(disk, tiny, calm, kibibytes_left * 1024)


def test_a_start_without_room_says_so_and_starts_nothing(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_spawn_worker_process", _must_not_start)
    session = create_draft(disk)
    before = session.events_path.read_bytes()
    filler = fill_but(disk, 8192)
    for words in (("start", "draft"), ("run", "draft"), ("start", "draft")):
        answer = call(disk, *words)
        assert answer.code == 2
        is_one_line(answer.stderr.splitlines(keepends=True)[-1])
        assert "no space left" in answer.stderr
    assert call(disk, "status", "draft").code == 0
    filler.write_bytes(b"")
    fill_but(disk, 0)
    answer = call(disk, "new", "more", "--model", "m", "--preset", "basic", "--train", "x.csv")
    assert answer.code == 2
    assert session.events_path.read_bytes() == before


def _must_not_start(*_: object) -> None:
    raise AssertionError("a worker was started")


def test_a_file_is_replaced_whole_or_not_at_all(disk: Path) -> None:
    path = disk / "best.json"
    write_private_file(path, "whole" * 1000)
    fill_but(disk, 4096)
    with pytest.raises(OSError, match="No space left"):
        write_private_file(path, "longer" * 100_000)
    assert path.read_text() == "whole" * 1000
    assert sorted(entry.name for entry in disk.iterdir()) == ["best.json", "filler"]


def test_the_reserve_is_kept_once(tmp_path: Path) -> None:
    session = create_draft(tmp_path)
    ensure_disk_reserve(session)
    path = session.cache_folder / "reserve"
    first = path.stat()
    assert first.st_size == RESERVE_BYTES
    assert first.st_mode & 0o777 == 0o600
    ensure_disk_reserve(session)
    assert path.stat().st_mtime_ns == first.st_mtime_ns


def test_a_finished_session_keeps_one_model_and_no_checkpoint(tiny: Tiny) -> None:
    session = tiny.session()
    assert live(session) == 0
    names = {path.name for path in session.path.rglob("*")}
    assert not names & {"checkpoint", "model", "best.old", "reserve"}
    assert not [name for name in names if name.endswith((".new", ".tmp"))]
    weights = list(session.path.rglob("*.safetensors"))
    assert [path.parent for path in weights] == [session.best_folder]
    answer = call(session.path.parent, "status", session.name)
    assert re.search(r"disk +\S+ [KM]?i?B", answer.stdout), answer.stdout
    assert session_bytes_used(session) == sum(
        p.stat().st_size for p in session.path.rglob("*") if p.is_file()
    )


@pytest.mark.parametrize("spoil", ["flip", pytest.param("cut", marks=pytest.mark.long)])
def test_a_checkpoint_that_was_spoilt_is_left_aside(tiny: Tiny, calm: Calm, spoil: str) -> None:
    session = tiny.session()
    before_the_end = calm.worker.index("write events.jsonl trial_completed") + 1
    assert live(session, Plan(worker=Kill(before_the_end, all_of_it=True))) == -9
    (tensors,) = session.trials_folder.glob("*/checkpoint/*.safetensors")
    content = bytearray(tensors.read_bytes())
    content[len(content) // 2] ^= 1
    tensors.write_bytes(content[:-100] if spoil == "cut" else content)
    goes_on_as_if_nothing_had_been(session, calm)

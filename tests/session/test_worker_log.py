"""The end of worker.log, for screens and for error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.session.worker_log import read_log_tail, summarize_log_end


@pytest.mark.parametrize(
    ("size", "tail"), [(100, "one\ntwo\nthree\n"), (10, "three\n"), (7, "three\n")]
)
def test_the_tail_begins_with_a_whole_line(tmp_path: Path, size: int, tail: str) -> None:
    path = tmp_path / "worker.log"
    assert read_log_tail(path, size) == ""
    path.write_text("one\ntwo\nthree\n")
    assert read_log_tail(path, size) == tail


def test_the_end_is_put_into_one_line(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    assert summarize_log_end(path) == ""
    path.write_text("one\n\n  two\nthree \n\nfour")
    assert summarize_log_end(path) == "two / three / four"
    assert summarize_log_end(path, count=1) == "four"
    path.unlink()
    path.mkdir()
    assert "worker.log cannot be read: " in summarize_log_end(path)

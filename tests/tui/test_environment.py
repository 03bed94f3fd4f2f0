"""What a session runs on and with."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len

from tests.tui import corpus
from tuner.render.environment_text import environment_lines
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.session import events as e
from tuner.session.fold import fold_events, load_session_view
from tuner.session.view import SessionView


def test_facts_stand_in_sections(tmp_path: Path) -> None:
    view = load_session_view(corpus.record_finished_session(tmp_path))
    changes = {"lr.head": [[1e-4, 5e-3], [1e-3, 5e-3]]}
    fold_events(
        view, [e.GenerationOpened(seq=view.next_seq, generation=1, changes=changes, carried=3)]
    )
    text = "\n".join(lines_to_strings(environment_lines(view, 60, TERMINAL_STYLES)))
    for expected_text in ("500 rows", "6: ABBR, DESC", "124.6M", "cuda:0", "2.13.0"):
        assert expected_text in text
    assert "1            3 trials carried over; changed: lr.head" in text


def test_nothing_is_told_before_the_first_worker() -> None:
    assert environment_lines(SessionView(), 60, TERMINAL_STYLES) == []


def test_odd_names_stay_inside_and_inert(tmp_path: Path) -> None:
    view = load_session_view(corpus.record_odd_session(tmp_path))
    for width in (30, 40, 90):
        for line in lines_to_strings(environment_lines(view, width, TERMINAL_STYLES)):
            assert cell_len(line) <= width
            assert "\x1b" not in line

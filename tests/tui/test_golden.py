"""Whole screens as text, at the two sizes they are designed for."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.stage import LARGE, SMALL, assert_golden, play, press, settled
from tuner.tui.app import TunerApp
from tuner.tui.messages import ExportEnded

SIZES = {"80x24": SMALL, "120x40": LARGE}


@pytest.mark.parametrize("name", SIZES)
def test_the_picker(whole_corpus: Path, name: str) -> None:
    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        app.catalog.root = Path("sessions")
        app.screen.query("DrawnLine").first().redraw()  # type: ignore[attr-defined]
        await _pilot.pause()
        assert_golden(app, f"picker-{name}")

    play(whole_corpus, scene, size=SIZES[name])


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(
    "session",
    [
        "rte-roberta-llrd",
        "trec-bert",
        "mrpc-smoke",
        "agnews-tiny",
        "odd.names-1",
        "rte-bert-baseline",
    ],
)
def test_the_live_screen(whole_corpus: Path, session: str, name: str) -> None:
    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        assert_golden(app, f"live-{session}-{name}")

    play(whole_corpus, scene, session=session, size=SIZES[name])


def test_every_tab_of_the_narrow_layout(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for number in "345":
            await press(pilot, number)
            assert_golden(app, f"tab-{number}-80x24")

    play(whole_corpus, scene, session="rte-roberta-llrd")


@pytest.mark.parametrize("name", SIZES)
def test_help(whole_corpus: Path, name: str) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "question_mark")
        assert_golden(app, f"help-{name}")

    play(whole_corpus, scene, session="rte-roberta-llrd", size=SIZES[name])


def test_the_neighbour_views(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, *["right_square_bracket"] * 3)
        assert_golden(app, "config-80x24")
        await press(pilot, "right_square_bracket")
        assert_golden(app, "log-80x24")

    play(whole_corpus, scene, session="odd.names-1")


def test_the_first_run(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app.catalog.root = Path("sessions")
        app.screen.query("DrawnLine").first().redraw()  # type: ignore[attr-defined]
        await pilot.pause()
        assert_golden(app, "first-run-80x24")

    play(root, scene)


def test_the_export_dialog(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus.finished(root)
    text = '{\n  "schema": "tuner/best-params/1",\n  "trial": 4\n}'
    done = ExportEnded(text, written=True)
    monkeypatch.setattr("tuner.tui.screens.export.run_export", lambda *_: done)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "E")
        await settled(pilot, app)
        assert_golden(app, "export-80x24")

    play(root, scene, session="trec-bert")

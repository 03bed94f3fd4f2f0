"""The export dialog: what, as what, a look at it, written or copied."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui import corpus
from tests.tui.app_harness import LARGE, play, press, visible_screen_text, wait_until
from tests.tui.setup_harness import model_description
from tuner.session.best_document import save_model_description
from tuner.tui.app import TunerApp
from tuner.tui.screens.export_screen import ExportPreview, ExportScreen, available_selections
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.state.session_reader import SessionReader

NAME = "trec-bert"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a finished session whose model is known, in a folder that files may go to."""
    save_model_description(
        corpus.record_finished_session(tmp_path / "sessions"), model_description()
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sessions"


def preview(app: TunerApp) -> str:
    assert isinstance(app.screen, ExportScreen)
    return app.screen.query_one(ExportPreview).text


async def read(pilot: Pilot[None], app: TunerApp) -> None:
    """Wait for the text."""
    await wait_until(pilot, lambda: preview(app) not in ("", "…"))


def test_the_best_is_looked_at_and_written(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "E")
        await read(pilot, app)
        assert json.loads(preview(app))["trial"] == 4
        await press(pilot, "enter")
        await wait_until(
            pilot, lambda: "written to trec-bert.best.json" in visible_screen_text(app)
        )
        assert json.loads(Path("trec-bert.best.json").read_text())["session"] == NAME

    play(root, scene, session=NAME, size=LARGE)


def test_without_trials_there_is_nothing_to_export(root: Path) -> None:
    session = corpus.create_draft_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert isinstance(app.screen, StudyScreen)
        assert "E" not in app.screen.active_bindings
        await press(pilot, "E")
        assert isinstance(app.screen, StudyScreen)

    play(root, scene, session=session.name)


def test_marked_trials_as_csv_can_be_copied(root: Path) -> None:
    copied: list[str] = []

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app.copy_to_clipboard = copied.append  # type: ignore[assignment,method-assign]
        assert isinstance(app.screen, StudyScreen)
        app.screen.workspace.marks.extend([1, 3])
        await press(pilot, "E", "down", "left")
        await read(pilot, app)
        assert app.screen.query_one(Input).value == "trec-bert.marked.csv"
        await press(pilot, "y")
        assert [line.split(",")[0] for line in copied[0].splitlines()] == ["trial", "1", "3"]

    play(root, scene, session=NAME, size=LARGE)


def test_another_file_that_cannot_be_written_says_why(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "E")
        app.screen.query_one(Input).value = "no-such-folder/x.json"
        await press(pilot, "enter")
        await wait_until(pilot, lambda: "no-such-folder/x.json" in visible_screen_text(app))
        assert not Path("no-such-folder").exists()

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.parametrize(
    ("marks", "trial", "titles"),
    [
        ((), None, ["best trial #4 0.8080", "all trials"]),
        ((), 4, ["best trial #4 0.8080", "all trials"]),
        ((2, 9), 3, ["best trial #4 0.8080", "trial #3", "marked (2)", "all trials"]),
    ],
)
def test_what_there_is_to_choose(
    root: Path, marks: Sequence[int], trial: int | None, titles: list[str]
) -> None:
    feed = SessionReader(corpus.record_finished_session(root / "again"))
    feed.read_new_events(float("inf"))
    assert [selection.title for selection in available_selections(feed, marks, trial)] == titles


def test_the_settings_are_edited_from_the_help(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuner.tui.shell import external_editor as editor

    monkeypatch.setattr(editor, "edit_in_terminal", lambda _app, text: 'theme = "nord"\n' + text)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app._settings_path = tmp_path / "made" / "config.toml"
        await press(pilot, "question_mark", "e")
        await pilot.pause()
        assert app.theme == "nord"
        assert "[keys]" in app._settings_path.read_text()

    play(root, scene, session=NAME)

"""The picker: sessions, their summary, and the way to them."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import LARGE, live_screen, play, press, visible_screen_text, wait_until
from tuner.tui.app import TunerApp
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.widgets.session_table import SessionTable


def names(app: TunerApp) -> list[str]:
    return list(app.screen.query_one(SessionTable).keys_in_order())


def test_sessions_are_listed_by_their_last_word(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert names(app)[0] == "rte-roberta-llrd"
        assert names(app)[-1] == "agnews-tiny"
        await press(pilot, "o")
        assert names(app) == sorted(names(app))
        await press(pilot, "o", "o")
        assert names(app)[0] == "trec-bert"

    play(whole_corpus, scene)


def test_the_summary_follows_the_cursor(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "pid 23319 on box" in visible_screen_text(app)
        await press(pilot, "j", "j", "j")
        assert "#4 0.8080 (majority 0.1680)" in visible_screen_text(app)
        assert "layers 8-11" in visible_screen_text(app)

    play(whole_corpus, scene, size=LARGE)


def test_a_session_opens_and_closes(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "j", "j", "enter")
        assert live_screen(app).reader.session.name == "sst2-bert-groups"
        assert "◐ pause" in visible_screen_text(app)
        await press(pilot, "escape")
        await wait_until(pilot, lambda: isinstance(app.screen, PickerScreen))
        assert app.screen.query_one(SessionTable).selected_key == "sst2-bert-groups"

    play(whole_corpus, scene)


def test_filtering_sessions(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "slash", *"crashed")
        assert names(app) == ["rte-bert-baseline"]
        await press(pilot, "enter", "escape")
        assert len(names(app)) == 7

    play(whole_corpus, scene)


def test_cloning_makes_a_draft(root: Path) -> None:
    original = corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "c")
        app.catalog._last_listing = -10.0
        await wait_until(pilot, lambda: "trec-bert-2" in names(app))

    play(root, scene)
    clone = root / "trec-bert-2" / "recipe.toml"
    assert clone.read_text() == original.recipe_path.read_text()


def test_new_sessions_and_drafts_have_their_screens(root: Path) -> None:
    corpus.create_draft_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "n")
        assert type(app.screen).__name__ == "NewSessionScreen"
        await press(pilot, "escape")
        await wait_until(pilot, lambda: isinstance(app.screen, PickerScreen))
        await press(pilot, "e")
        assert type(app.screen).__name__ == "SetupScreen"

    play(root, scene)


def test_a_session_that_appears_gets_its_row(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "No sessions yet" in visible_screen_text(app)
        corpus.record_finished_session(root)
        app.catalog._last_listing = -10.0
        await wait_until(pilot, lambda: names(app) == ["trec-bert"])

    play(root, scene)

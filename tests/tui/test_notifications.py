"""Calling the user back, pictures, and the first steps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import LARGE, States, play, press, visible_screen_text, wait_until
from tests.tui.setup_harness import Answers
from tuner.errors import TunerError
from tuner.render.styles import TERMINAL_STYLES
from tuner.session.view import SessionState
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.shell.notifications import FinishDetector, notification_codes
from tuner.tui.shell.screenshots import save_lines_picture
from tuner.tui.shell.seen_screens import SeenScreens
from tuner.tui.shell.settings import load_settings
from tuner.tui.state.session_reader import SessionReader


def feed_of(root: Path) -> SessionReader:
    feed = SessionReader(corpus.record_finished_session(root))
    feed.read_new_events(float("inf"))
    return feed


def test_only_an_end_that_was_seen_coming_is_told(tmp_path: Path) -> None:
    feed, ends = feed_of(tmp_path), FinishDetector()
    assert ends.newly_finished([feed]) == []
    feed.state = SessionState.RUNNING
    assert ends.newly_finished([feed]) == []
    feed.state = SessionState.FINISHED
    (notice,) = ends.newly_finished([feed])
    assert notice.text.startswith("trec-bert finished, best trial ")
    assert not notice.failed
    assert ends.newly_finished([feed]) == []


@pytest.mark.parametrize(("state", "told"), [("paused", 0), ("stopped", 0), ("crashed", 1)])
def test_who_pauses_knows_it(tmp_path: Path, state: str, told: int) -> None:
    feed, ends = feed_of(tmp_path), FinishDetector()
    feed.state = SessionState.RUNNING
    ends.newly_finished([feed])
    feed.state = SessionState(state)
    assert len(ends.newly_finished([feed])) == told


def test_sequences_hold_nothing_but_themselves() -> None:
    hostile = "name\x1b]0;owned\a;x"
    plain = notification_codes(hostile, ["bell", "osc9", "osc777"], {})
    assert plain.count("\x1b") == 2
    assert plain.startswith("\a\x1b]9;name")
    assert "\x1b]777;notify;tuner;name" in plain
    assert plain.count("\a") == 3
    assert notification_codes("x", [], {}) == ""


def test_tmux_is_asked_to_pass_them_on() -> None:
    assert notification_codes("x", ["osc9"], {"TMUX": "1"}) == "\x1bPtmux;\x1b\x1b]9;x\a\x1b\\"


@pytest.mark.parametrize(
    ("text", "ways"),
    [('notify = "bell"', ("bell",)), ('notify = ["bell", "osc9"]', ("bell", "osc9")), ("", ())],
)
def test_the_settings_say_how(tmp_path: Path, text: str, ways: tuple[str, ...]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    assert load_settings(path).notify == ways


@pytest.mark.parametrize(("text", "said"), [('"bel"', "bell"), ("3", "list"), ("[3]", "bell")])
def test_settings_that_are_wrong_say_so(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"notify = {text}")
    with pytest.raises(TunerError, match=said):
        load_settings(path)


def test_the_end_of_a_search_is_told_and_calls(
    tmp_path: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(tmp_path)
    states.running("trec-bert")
    (tmp_path / "no-settings.toml").write_text('notify = "bell"')
    written: list[str] = []

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await wait_until(pilot, lambda: app._finish_detector._alive)
        states.states_by_name.clear()
        await wait_until(
            pilot, lambda: "trec-bert finished, best trial" in visible_screen_text(app)
        )
        assert "\a" in written

    play(tmp_path, scene, session="trec-bert", size=LARGE)


def test_a_picture_is_saved_as_svg_and_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(tmp_path / "sessions")
    monkeypatch.chdir(tmp_path)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "ctrl+s")
        await wait_until(pilot, lambda: len(list(tmp_path.glob("tuner-*"))) == 2)
        (svg,) = tmp_path.glob("tuner-trec-bert-*.svg")
        (text,) = tmp_path.glob("tuner-trec-bert-*.txt")
        assert svg.read_text().startswith("<svg")
        assert "FINISHED" in text.read_text()
        assert svg.name in visible_screen_text(app)

    play(tmp_path / "sessions", scene, session="trec-bert", size=LARGE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_picture_that_cannot_be_saved_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.record_finished_session(tmp_path / "sessions")
    sealed = tmp_path / "sealed"
    sealed.mkdir(mode=0o500)
    monkeypatch.chdir(sealed)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "ctrl+s")
        await wait_until(pilot, lambda: "could not be saved" in visible_screen_text(app))

    play(tmp_path / "sessions", scene, session="trec-bert", size=LARGE)


def test_lines_are_saved_as_they_are(tmp_path: Path) -> None:
    lines = [[("[red]not markup[/]", TERMINAL_STYLES.heading)], [("⣀⠤ ", TERMINAL_STYLES.text)]]
    svg, text = save_lines_picture(lines, 30, tmp_path, "chart")
    assert text.read_text() == "[red]not markup[/]\n⣀⠤\n"
    assert "[red]not" in svg.read_text()
    assert len(set(save_lines_picture(lines, 30, tmp_path, "chart")) | {svg, text}) == 4


def test_a_hint_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "seen"
    steps = SeenScreens(path)
    assert steps.is_first_visit("picker")
    assert not steps.is_first_visit("picker")
    assert not SeenScreens(path).is_first_visit("picker")
    assert SeenScreens(path).is_first_visit("study")
    assert not SeenScreens(None).is_first_visit("study")


def test_a_hint_stands_above_the_keys(tmp_path: Path) -> None:
    corpus.record_finished_session(tmp_path)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app.seen_screens = SeenScreens(tmp_path / "seen")
        await press(pilot, "enter")
        await wait_until(pilot, lambda: "FINISHED" in visible_screen_text(app))
        assert "new here?" in visible_screen_text(app).splitlines()[-2]

    play(tmp_path, scene)


@pytest.mark.parametrize("keys", [("e",), ("enter", "enter")], ids=["setup", "trial"])
def test_hints_on_the_other_screens(
    keys: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    corpus.record_finished_session(tmp_path)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await wait_until(pilot, lambda: "12/12" in visible_screen_text(app))
        await press(pilot, *keys[:-1])
        await wait_until(pilot, lambda: app.screen.query("KeyBar"))
        app.seen_screens = SeenScreens(tmp_path / "seen")
        await press(pilot, keys[-1])
        await wait_until(pilot, lambda: "new here?" in visible_screen_text(app))
        assert "new here?" in visible_screen_text(app).splitlines()[-2]

    play(tmp_path, scene)

"""Themes, monochrome, ASCII, sizes; help, palette, settings; and what must not be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    States,
    live_screen,
    play,
    press,
    trial_table,
    visible_screen_text,
    wait_until,
)
from tuner.errors import TunerError
from tuner.tui.app import TunerApp
from tuner.tui.screens.help_screen import collect_help_entries, nodes_with_bindings
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.shell.ascii_filter import as_ascii_cells, wants_ascii_only
from tuner.tui.shell.settings import Settings, check_theme_name, load_settings
from tuner.tui.shell.theme import TUNER_THEME, contrast_ratio, styles_from_variables
from tuner.tui.widgets.key_bar import KeyBar, display_of_key

NAME = "rte-roberta-llrd"
THEMES = {**BUILTIN_THEMES, TUNER_THEME.name: TUNER_THEME}


def test_the_ui_imports_nothing_heavy() -> None:
    program = (
        "import sys, tuner.tui.app, tuner.tui.screens.trial_screen, tuner.tui.screens.help_screen;"
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'optuna', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(name for name, theme in THEMES.items() if not theme.ansi))
def test_every_theme_is_readable(name: str) -> None:
    variables = THEMES[name].to_color_system().generate()
    styles = styles_from_variables(variables)
    background = Color.parse(variables["background"])
    roles = [field.name for field in fields(styles) if field.name not in ("faint", "good", "bad")]
    inks = {role: getattr(styles, role) for role in roles}
    inks |= {f"fifth {place}": style for place, style in enumerate(styles.quintile_styles[1:])}
    shades = {f"shade {place}": style for place, style in enumerate((*styles.good, *styles.bad))}
    for role, style in {**inks, **shades}.items():
        assert style.color is not None, role
        ground = Color.from_rich_color(style.bgcolor) if style.bgcolor else background
        assert contrast_ratio(ground, Color.from_rich_color(style.color)) >= 3.0, role


def test_themes_of_terminal_colours_have_styles_too() -> None:
    styles = styles_from_variables(BUILTIN_THEMES["ansi-dark"].to_color_system().generate())
    assert styles.failed.color is not None
    assert styles.failed.color.number == 1
    assert styles.muted.dim


def test_another_theme_recolours_what_is_shown(root: Path, states: States) -> None:
    corpus.record_running_session(root)
    states.running(NAME)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        before = app.styles_by_role.best
        app.theme = "textual-light"
        await pilot.pause()
        after = app.styles_by_role.best
        assert after != before
        strip = trial_table(app).render_line(2)
        colours = {segment.style.color for segment in strip if segment.style}
        assert after.color in colours

    play(root, scene, session=NAME)


def test_ascii_in_as_many_cells() -> None:
    assert as_ascii_cells("● run ⣿⠁ 日本 ╭─╮") == "> run *. ???? +-+"
    assert wants_ascii_only({"TUNER_ASCII": "1"})
    assert not wants_ascii_only({"TUNER_ASCII": "0"})


def test_a_screen_without_unicode(
    root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_ASCII", "1")
    corpus.record_running_session(root)
    states.running(NAME)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        assert visible_screen_text(app).isascii()
        assert "> run" in visible_screen_text(app)
        assert "* done" in visible_screen_text(app)

    play(root, scene, session=NAME, size=LARGE)


def test_states_are_told_apart_without_colour(
    root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    corpus.record_running_session(root)
    states.running(NAME)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        for glyph in ("● run", "★ done", "✓ done", "✂ 33 %", "⊘ 33 %", "✗ fail"):
            assert glyph in visible_screen_text(app)
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                if segment.style and segment.style.color and segment.style.color.triplet:
                    assert len(set(segment.style.color.triplet)) == 1

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (12, 4)])
def test_a_terminal_too_small_says_so(root: Path, size: tuple[int, int]) -> None:
    corpus.record_finished_session(root)

    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        lines = [line for line in visible_screen_text(app).splitlines() if line.strip()]
        assert len(lines) == 1
        assert "small" in lines[0] or "60 columns" in lines[0]

    play(root, scene, session="trec-bert", size=size)


def test_resizing_changes_the_layout(root: Path) -> None:
    corpus.record_finished_session(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await pilot.resize_terminal(120, 40)
        await wait_until(pilot, lambda: "2-5 switch" not in visible_screen_text(app))
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "2-5 switch" in visible_screen_text(app))

    play(root, scene, session="trec-bert")


def test_every_binding_has_an_id_and_says_what_it_does(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for _ in range(2):
            for node in nodes_with_bindings(app.screen):
                if type(node).__module__.startswith("textual"):
                    continue
                own_bindings: list[Binding] = type(node).__dict__.get("BINDINGS", [])
                for binding in own_bindings:
                    assert binding.id, binding
                    assert binding.tooltip, binding
            if not isinstance(app.screen, StudyScreen):
                await press(pilot, "enter")
        assert {
            entry.section for entry in collect_help_entries(nodes_with_bindings(live_screen(app)))
        } >= {
            "session",
            "trials",
            "view",
            "app",
        }

    play(whole_corpus, scene)


def test_the_bar_shows_at_most_ten_keys(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for _ in range(2):
            displayed_keys = app.screen.query_one(KeyBar).displayed_keys()
            assert len(displayed_keys) <= 10
            assert [key.label for key in displayed_keys[-3:]] == ["Palette", "Help", "Leave"]
            await press(pilot, "enter")

    play(whole_corpus, scene, size=LARGE)


def test_keys_are_written_as_people_write_them() -> None:
    names = ["ctrl+k", "question_mark", "escape", "up"]
    assert [display_of_key(key) for key in names] == ["ctrl+k", "?", "esc", "↑"]


def test_the_palette_runs_actions_by_what_they_do(root: Path, states: States) -> None:
    corpus.record_running_session(root)
    states.running(NAME)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "2", "colon")
        await wait_until(pilot, lambda: "Pause now" in visible_screen_text(app))
        await press(pilot, *"logarithmic")
        await wait_until(pilot, lambda: "Pause now" not in visible_screen_text(app))
        assert "Logarithmic y" in visible_screen_text(app)
        await press(pilot, "enter", "enter")
        await wait_until(pilot, lambda: "l log ✓" in visible_screen_text(app))

    play(root, scene, session=NAME, size=LARGE)


def test_keys_and_theme_can_be_set(root: Path) -> None:
    corpus.record_finished_session(root)
    path = root / "no-settings.toml"
    path.write_text('theme = "nord"\n[keys]\n"view.zoom" = "v"\n')

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert app.theme == "nord"
        await press(pilot, "v")
        assert app.screen.query_one(".panes").has_class("-zoom")
        assert app.screen.query_one(KeyBar)

    play(root, scene, session="trec-bert")


def test_settings_that_are_wrong_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_settings(path) == Settings()
    for text in ("theme = 3", "keys = 3", "theme = ", 'themes = "nord"'):
        path.write_text(text)
        with pytest.raises(TunerError, match=r"config\.toml"):
            load_settings(path)
    with pytest.raises(TunerError, match="nord"):
        check_theme_name(Settings(theme="nrod"), ["nord", "dracula"], path)


@pytest.mark.slow
def test_of_ten_thousand_trials_only_what_is_seen_is_drawn(tmp_path: Path, states: States) -> None:
    states.running("long")
    corpus.record_long_session(tmp_path, 10_000, "long")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        rows = trial_table(app)
        before = rows.cursor
        await press(pilot, *["j"] * 25)
        assert rows.cursor == before + 25
        rows.update_trials({10_000})
        assert len(rows._cached_strips) < 200

    play(tmp_path, scene, session="long", size=LARGE)

"""The setup screen: panes, forms, saving, starting, the editor, leaving."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.setup_harness import (
    LARGE,
    Answers,
    Stage,
    complete_document,
    make_session,
    play,
    screen_text,
    setup_stage,
    type_text,
    wait_until,
    wait_until_checked,
)
from tuner.errors import TunerError
from tuner.recipe.findings import Finding
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Choices, Range, Recipe
from tuner.session.events import SessionStopped
from tuner.session.writer import EventWriter
from tuner.tui.app import TunerApp
from tuner.tui.screens.help_screen import HelpScreen
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.setup.checks_pane import CheckLine, ChecksPane
from tuner.tui.setup.forms import FormPane
from tuner.tui.setup.inspection import NOT_TRIED, Services
from tuner.tui.setup.preview import RecipePreview
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.shell.messages import StartRequested
from tuner.tui.widgets.key_bar import KeyBar


def message(screen: SetupScreen) -> str:
    """Return the text of the status line."""
    return screen.query_one(StatusLine).message


def recipe(screen: SetupScreen) -> Recipe:
    assert screen.controller.draft.recipe is not None
    return screen.controller.draft.recipe


def visible(screen: SetupScreen) -> list[str]:
    """Return the ids of the panes that are shown."""
    panes = screen.query("SetupView > .panes > .pane")
    return sorted((str(pane.id) for pane in panes if pane.display), key=lambda id: id == "checks")


def test_a_small_terminal_shows_one_pane_a_large_one_all(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        assert visible(screen) == ["groups", "checks"]
        for key, pane in {"1": "task", "3": "other", "4": "search", "2": "groups"}.items():
            await pilot.press(key)
            assert visible(screen) == [pane, "checks"]
        await pilot.press("5")
        assert visible(screen) == ["recipe"]
        await pilot.press("right_square_bracket")
        assert visible(screen)[0] == "task"
        await pilot.press("left_square_bracket", "tab", "tab", "shift+tab")
        assert visible(screen)[0] == "task"
        await pilot.click(".tabs", offset=(14, 0))
        assert visible(screen)[0] == "groups"
        await pilot.resize_terminal(*LARGE)
        await pilot.pause()
        assert len(visible(screen)) == 6
        await pilot.press("z")
        assert visible(screen) == ["groups"]
        await pilot.press("escape")
        assert len(visible(screen)) == 6
        await pilot.click("#search", offset=(10, 3))
        assert screen.query_one("#search").has_class("-active")

    play(setup_stage(tmp_path), scenario)


def test_fields_are_toggled_chosen_and_typed(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("3", "space")
        assert recipe(screen).training.epochs == 6
        await pilot.press("space")
        assert recipe(screen).training.epochs == Range(2, 10, "linear", True)
        await pilot.press("j", "enter")
        await type_text(pilot, "{16,32}")
        assert recipe(screen).training.batch_size == Choices((16, 32))
        await pilot.press("enter")
        await type_text(pilot, "{16,x}")
        assert isinstance(pilot.app.focused, Input)
        assert "not a number" in message(screen)
        await pilot.press("escape")
        await pilot.press("left")
        await pilot.pause()
        assert "enter types" in message(screen)
        await pilot.press("4", "right", "j", "left")
        assert (recipe(screen).search.metric, recipe(screen).search.sampler) == ("f1_macro", "grid")
        await pilot.press("right")
        assert recipe(screen).search.sampler == "tpe"
        await pilot.press("1", "j", "j", "j", "enter")
        await type_text(pilot, "test.csv")
        assert "holdout" in message(screen)
        assert isinstance(pilot.app.focused, Input)

    play(setup_stage(tmp_path), scenario)


def test_the_labels_own_metrics_can_be_chosen(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("4", "left")
        assert recipe(screen).search.metric == "f1.yes"

    play(setup_stage(tmp_path), scenario)


def test_a_model_is_suggested_while_it_is_typed(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("1", "enter")
        line = pilot.app.focused
        assert isinstance(line, Input)
        line.value = ""
        await pilot.press("g", "o")
        await wait_until(pilot, lambda: line._suggestion)
        await pilot.press("right", "enter")
        await pilot.pause()
        assert recipe(screen).model.name == "google-bert/bert-base-cased"
        await wait_until(pilot, lambda: len(screen.inspection.described_models) == 2)

    play(setup_stage(tmp_path), scenario)


def test_saving_writes_the_file_and_keeps_its_comments(tmp_path: Path) -> None:
    text = "# my own words\n" + complete_document().toml_text
    session = make_session(tmp_path, text=text)
    answers = Answers()
    stage = Stage(SetupScreen(session, services=answers.services()))

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("0")
        assert screen.controller.draft.has_unsaved_changes
        assert "unsaved" in screen_text(pilot.app)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: answers.checks == 2)
        assert "saved" in message(screen)
        assert screen.controller.draft.recipe_text == session.recipe_path.read_text()
        assert "# my own words" in session.recipe_path.read_text()
        assert load_recipe(session.recipe_path).groups[0].lr == "frozen"
        assert session.recipe_path.stat().st_mode & 0o777 == 0o600

    play(stage, scenario)


def test_a_file_changed_by_others_is_overwritten_only_after_y(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        path = screen.controller.session.recipe_path
        await pilot.press("0")
        path.write_text(path.read_text() + "# theirs\n")
        await pilot.press("ctrl+s")
        assert screen.query_one(KeyBar).is_asking
        await pilot.press("n")
        assert "# theirs" in path.read_text()
        await pilot.press("ctrl+s", "y")
        await pilot.pause()
        assert "# theirs" not in path.read_text()

    play(setup_stage(tmp_path), scenario)


def test_starting_saves_first_and_then_asks_for_the_live_screen(tmp_path: Path) -> None:
    answers = Answers()
    stage = setup_stage(tmp_path, answers)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("0", "ctrl+r")
        await wait_until(pilot, lambda: stage.requests)
        assert answers.started == ["rte"]
        assert not screen.controller.draft.has_unsaved_changes
        assert isinstance(stage.requests[0], StartRequested)
        assert stage.requests[0].session == screen.controller.session

    play(stage, scenario)


def test_a_start_against_the_checks_asks_first(tmp_path: Path) -> None:
    answers = Answers(findings=[Finding("error", "data", "no rows")])
    stage = setup_stage(tmp_path, answers)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("ctrl+r", "n")
        assert not answers.started
        await pilot.press("ctrl+r", "y")
        await wait_until(pilot, lambda: stage.requests)
        assert screen.controller.session.name == "rte"

    play(stage, scenario)


def test_a_start_that_fails_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    answers = Answers(start_problem="the worker ended: no GPU")
    stage = setup_stage(tmp_path, answers)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: "no GPU" in message(screen))
        assert not stage.requests
        await pilot.press("0")
        assert screen.controller.draft.has_unsaved_changes

    play(stage, scenario)


def test_a_stopped_session_is_shown_read_only(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    with EventWriter(session.events_path) as writer:
        writer.append_event(SessionStopped(reason="asked for"))
    stage = Stage(SetupScreen(session, services=Answers().services()))

    async def run(pilot: Pilot[None], screen: SetupScreen) -> None:
        text = session.recipe_path.read_text()
        assert "stopped for good" in message(screen)
        for keys in (["0"], ["ctrl+s"], ["ctrl+r"], ["u"], ["3", "space"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert "stopped for good" in message(screen), keys
        assert session.recipe_path.read_text() == text
        assert "read-only" in screen_text(pilot.app)

    play(stage, run)


def test_the_users_editor_gets_the_text_and_gives_it_back(tmp_path: Path) -> None:
    answers: list[str] = []

    def edit(app: object, text: str) -> str:  # noqa: ARG001
        answers.append(text)
        if len(answers) == 1:
            return text.replace("trials = 40", "trials = 7")
        if len(answers) == 2:
            return "[model\n"
        raise TunerError("nano exited with 1: the text is unchanged")

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("ctrl+e")
        assert recipe(screen).search.trials == 7
        await pilot.press("ctrl+e")
        assert "line" in message(screen)
        before = screen.controller.draft.recipe_text
        await pilot.press("0", "ctrl+s")
        assert screen.controller.draft.recipe_text == before
        await pilot.press("u")
        assert recipe(screen).search.trials == 7
        await pilot.press("ctrl+e")
        assert "the text is unchanged" in message(screen)
        await pilot.press("u")
        assert not screen.controller.draft.has_unsaved_changes

    play(setup_stage(tmp_path, edit_text=edit), scenario)


def test_leaving_asks_only_when_something_would_be_lost(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("0", "escape")
        assert screen.query_one(KeyBar).is_asking
        await pilot.press("n")
        assert pilot.app.screen is screen
        await pilot.press("q")
        assert screen.query_one(KeyBar).is_asking
        await pilot.press("escape")
        assert pilot.app.screen is screen
        await pilot.press("u", "escape")
        await pilot.pause()
        assert pilot.app.screen is not screen

    play(setup_stage(tmp_path), scenario)


def test_findings_and_errors_are_listed_with_their_glyphs(tmp_path: Path) -> None:
    findings = [Finding("ok", "disk", "room"), Finding("error", "data", "[b]train[/b] has no rows")]
    stage = setup_stage(tmp_path, Answers(findings=findings))

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        text = screen_text(pilot.app)
        assert "✓ every parameter in exactly one group" in text
        assert "✗ [b]train[/b] has no rows" in text
        assert text.index("✗") < text.index("✓ room")
        assert not screen.query_one(ChecksPane).border_subtitle
        await pilot.press("0")
        assert "outdated" in str(screen.query_one(ChecksPane).border_subtitle)
        await pilot.press("c")
        await wait_until(pilot, lambda: not screen.query_one(ChecksPane).border_subtitle)

    play(stage, scenario)


def test_a_child_process_that_breaks_leaves_the_screen_standing(tmp_path: Path) -> None:
    def broken(recipe: Recipe, rehearse: bool = False) -> NoReturn:  # noqa: ARG001
        raise RuntimeError("describe exited with code 1:\nTraceback\n  File x\nValueError: odd")

    session = make_session(tmp_path)
    stage = Stage(SetupScreen(session, services=Services(describe=broken, check=broken)))

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        assert "exited with code 1: ValueError: odd" in " ".join(screen_text(pilot.app).split())
        await pilot.press("0")
        assert screen.controller.draft.has_unsaved_changes

    play(stage, scenario)


def test_a_file_that_is_no_recipe_can_be_repaired(tmp_path: Path) -> None:
    session = make_session(tmp_path, text="[model]\nname = 3\n")
    answers = Answers()
    fixed = complete_document().toml_text
    screen = SetupScreen(session, services=answers.services(), edit_text=lambda *_: fixed)
    stage = Stage(screen)

    async def run() -> None:
        async with stage.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert "model.name" in message(screen)
            await pilot.press("0", "enter", "a", "3", "space", "ctrl+s", "ctrl+r")
            await pilot.pause()
            assert not answers.started
            await pilot.press("ctrl+e")
            await wait_until_checked(pilot)
            assert screen.controller.draft.recipe is not None

    asyncio.run(run())


def test_an_edit_is_marked_in_the_preview(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("3", "j", "enter")
        await type_text(pilot, "64")
        await pilot.press("5")
        await pilot.pause()
        assert "▎batch_size = 64" in screen_text(pilot.app)
        assert screen.query_one(RecipePreview).has_focus_within

    play(setup_stage(tmp_path), scenario)


def test_forms_say_what_a_field_is_about(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("3", "down")
        await pilot.pause()
        assert message(screen).startswith("batch size: ")
        assert screen.query_one("#other", FormPane).field_list.cursor == 1

    play(setup_stage(tmp_path), scenario)


def test_in_the_app_a_start_leads_to_the_live_screen_and_help_lists_the_keys(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path)
    app = TunerApp(tmp_path, settings=tmp_path / "none.toml")

    async def run() -> None:
        async with app.run_test(size=LARGE) as pilot:
            app.push_screen(SetupScreen(session, services=Answers().services()))
            await wait_until_checked(pilot)
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            await pilot.press("escape")
            await pilot.resize_terminal(50, 12)
            await wait_until(pilot, lambda: screen_text(app).startswith("tuner needs 60 columns"))
            await pilot.resize_terminal(*LARGE)
            await pilot.press("ctrl+r")
            await wait_until(pilot, lambda: isinstance(app.screen, StudyScreen))

    asyncio.run(run())


def test_slow_checks_follow_the_data_and_only_that(tmp_path: Path) -> None:
    answers = Answers()

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        before = answers.checks
        await pilot.press("right", "u")
        await pilot.pause()
        assert answers.checks == before
        await pilot.press("1", "down", "enter")
        await type_text(pilot, "other.jsonl")
        await wait_until(
            pilot, lambda: answers.checks == before + 1 and not screen.inspection.running_checks
        )
        await pilot.press("u")
        await wait_until(
            pilot, lambda: answers.checks == before + 2 and not screen.inspection.running_checks
        )

    play(setup_stage(tmp_path, answers), scenario)


def test_a_step_is_tried_only_where_that_is_asked_for(tmp_path: Path) -> None:
    hint = CheckLine("hint", NOT_TRIED)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        recipe, knowledge = screen.controller.draft.recipe, screen.inspection
        assert recipe is not None
        assert hint in knowledge.status_lines(recipe)
        # Asked for while the quick checks run, it is next.
        screen._request_checks()
        await pilot.press("c")
        await wait_until(
            pilot, lambda: not knowledge.running_checks and not knowledge.rehearse_next
        )
        assert hint not in knowledge.status_lines(recipe)

    play(setup_stage(tmp_path), scenario)

"""The group editor on the setup screen: every key, and the mouse."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.setup_harness import (
    Answers,
    group,
    group_names,
    model_description,
    play,
    setup_stage,
    type_text,
    wait_until,
)
from tuner.recipe.types import FROZEN, Range
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.setup.group_editor import GroupEditor
from tuner.tui.setup.groups_pane import GroupsPane
from tuner.tui.setup.status_line import StatusLine


def message(screen: SetupScreen) -> str:
    """Return the text of the status line."""
    return screen.query_one(StatusLine).message


def editor(screen: SetupScreen) -> GroupEditor:
    """Return the editor, which has the focus at the start."""
    return screen.query_one(GroupEditor)


KEYS: dict[str, object] = {
    "right": Range(5e-7, 1e-4, "log"),
    "shift+left": Range(2e-7, 5e-5, "log"),
    "shift+right": Range(2e-7, 2e-4, "log"),
    "ctrl+right": Range(5e-7, 2e-4, "log"),
    "right_curly_bracket": Range(5e-7, 2e-4, "log"),
    "equals_sign": 4.5e-6,
    "0": FROZEN,
}


def test_a_key_changes_the_rate_and_u_takes_it_back(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        before = group(screen, "embeddings").lr
        for key, rate in KEYS.items():
            await pilot.press(key)
            assert group(screen, "embeddings").lr == rate
            await pilot.press("u")
            assert group(screen, "embeddings").lr == before
        await pilot.press("ctrl+y")
        assert group(screen, "embeddings").lr == FROZEN
        await pilot.press("u", "left", "left")
        await pilot.pause()
        assert "the keys stop at 1e-7" in message(screen)

    play(setup_stage(tmp_path), scenario)


def test_both_ends_move_down_and_fix_and_freeze_go_back(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("end", "up")
        head = group(screen, "head").lr
        await pilot.press("ctrl+left")
        assert group(screen, "head").lr == Range(5e-6, 5e-4, "log")
        await pilot.press("left_curly_bracket", "right_curly_bracket", "ctrl+right")
        assert group(screen, "head").lr == head
        for key in ("equals_sign", "0"):
            await pilot.press(key)
            assert group(screen, "head").lr != head
            await pilot.press(key)
            assert group(screen, "head").lr == head
        await pilot.press("0", "right")
        await pilot.pause()
        assert "frozen" in message(screen)

    play(setup_stage(tmp_path), scenario)


def test_rates_are_typed(tmp_path: Path) -> None:
    typed: dict[str, object] = {
        "1e-5..4e-5": Range(1e-5, 4e-5, "log"),
        "lin": Range(1e-5, 4e-5, "linear"),
        "fix": 2.5e-5,
        "3e-5": 3e-5,
        "freeze": FROZEN,
    }

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("j")
        for text, rate in typed.items():
            await pilot.press("enter")
            await type_text(pilot, text)
            assert group(screen, "quarter 1").lr == rate
            assert editor(screen).has_focus

    play(setup_stage(tmp_path), scenario)


def test_what_means_nothing_stays_in_the_prompt_with_a_reason(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        text = screen.controller.draft.recipe_text
        for wrong in ("", "x", "4e-5..1e-5", "[bold]", "9", "1e-5.."):
            await pilot.press("enter")
            await type_text(pilot, wrong)
            assert isinstance(pilot.app.focused, Input)
            assert message(screen)
            await pilot.press("escape")
            await pilot.pause()
            assert editor(screen).has_focus
            assert not message(screen)
        assert screen.controller.draft.recipe_text == text

    play(setup_stage(tmp_path), scenario)


def test_groups_are_split_merged_renamed_added_deleted_and_regrouped(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("g")
        await type_text(pilot, "6")
        assert group_names(screen) == [
            "embeddings",
            "layers 0-5",
            "layers 6-11",
            "head",
            "the rest",
        ]
        await pilot.press("j", "S")
        await type_text(pilot, "2")
        assert group_names(screen)[1:4] == ["layers 0-1", "layers 2-5", "layers 6-11"]
        await pilot.press("M")
        await pilot.pause()
        assert group_names(screen)[1:3] == ["layers 0-5", "layers 6-11"]
        await pilot.press("R")
        await type_text(pilot, "low half")
        assert group_names(screen)[1] == "low half"
        await pilot.press("a")
        await type_text(pilot, "bias = classifier.*.bias")
        assert editor(screen).selected_group == group(screen, "bias")
        assert group(screen, "head").params is not None
        await pilot.press("d")
        await pilot.pause()
        assert "bias" not in group_names(screen)
        recipe = screen.controller.recipe
        assert recipe is not None
        assert not screen.inspection.partition(recipe.groups, recipe).problem
        for _ in range(6):
            await pilot.press("u")
        await pilot.pause()
        assert not screen.controller.draft.has_unsaved_changes

    play(setup_stage(tmp_path), scenario)


def test_wishes_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        text = screen.controller.draft.recipe_text
        await pilot.press("end", "M")
        await pilot.pause()
        assert "last group" in message(screen)
        await pilot.press("d")
        await pilot.pause()
        assert "cannot be deleted" in message(screen)
        for key, wrong, reason in (
            ("a", "99", "no layer 99"),
            ("a", "clasifier.*", "matches no parameter"),
            ("S", "3", "cannot be split"),
            ("R", "head", "already"),
            ("R", "a.b", "cannot contain"),
            ("g", "many", "is not a number"),
            ("g", "0", "cannot make groups of 0"),
        ):
            await pilot.press(key)
            await type_text(pilot, wrong)
            assert reason in message(screen)
            await pilot.press("escape")
        assert screen.controller.draft.recipe_text == text

    play(setup_stage(tmp_path), scenario)


def test_the_mouse_selects_and_pulls_the_nearer_end_in_one_step_of_undo(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        table = editor(screen)
        await pilot.click(GroupEditor, offset=(4, 3))
        assert table.selected_group == group(screen, "quarter 2")
        width = table.size.width - 2
        bar = table.column_layout(width)
        assert table._axis is not None
        column = 2 + bar.bar_start + table._axis.column_of_rate(5e-5, bar.bar_width)
        target = 2 + bar.bar_start + table._axis.column_of_rate(5e-4, bar.bar_width)
        await pilot.mouse_down(GroupEditor, offset=(column, 3))
        for step in range(column, target + 1):
            await pilot.hover(GroupEditor, offset=(step, 3))
        await pilot.mouse_up(GroupEditor, offset=(target, 3))
        assert group(screen, "quarter 2").lr == Range(2e-6, 5e-4, "log")
        await pilot.press("u")
        assert not screen.controller.draft.has_unsaved_changes

    play(setup_stage(tmp_path), scenario)


def test_sizes_arrive_with_the_model_and_hints_are_marked(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        table = editor(screen)
        assert "10.0M" in table.render_line(1).text
        assert "ⓘ" not in table.render_line(2).text
        await pilot.press("j", "enter")
        await type_text(pilot, "1e-6..5e-3")
        assert "ⓘ" in table.render_line(2).text

    play(setup_stage(tmp_path, Answers(model=model_description(width=10_000))), scenario)


def test_without_a_model_rates_can_be_edited_all_the_same(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("0")
        assert group(screen, "embeddings").lr == FROZEN
        await pilot.press("g")
        await type_text(pilot, "4")
        await wait_until(pilot, lambda: "until the model is read" in message(screen))

    play(setup_stage(tmp_path, Answers(model="no such model")), scenario)


def test_every_binding_has_an_id_and_a_tooltip() -> None:
    for owner in (SetupScreen, GroupEditor, GroupsPane):
        bindings = [b for b in owner.BINDINGS if not isinstance(b, tuple)]
        assert all(binding.id and binding.tooltip for binding in bindings), owner

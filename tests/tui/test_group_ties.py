"""Tied rates and rates that decay by layer, in the editor; and every parameter's rate."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.setup_harness import (
    LARGE,
    SMALL,
    Answers,
    Stage,
    assert_golden,
    complete_document,
    group,
    group_names,
    make_session,
    play,
    screen_text,
    setup_stage,
    type_text,
)
from tuner.errors import TunerError
from tuner.recipe.types import FROZEN, Choices, Range, TiedRate
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.setup.grammar import parse_layer_decay, parse_tied_rate
from tuner.tui.setup.parameters import ParametersScreen, truncate_left
from tuner.tui.setup.status_line import StatusLine

QUARTER = Range(2e-6, 1e-4, "log")
SIZES = {"80x24": SMALL, "120x40": LARGE}


def message(screen: SetupScreen) -> str:
    """Return the text of the status line."""
    return screen.query_one(StatusLine).message


def llrd(tmp_path: Path) -> Stage:
    """Open a draft of the preset with one rate that decays."""
    session = make_session(tmp_path, text=complete_document("llrd").toml_text)
    return Stage(SetupScreen(session, services=Answers().services()))


@pytest.mark.parametrize("name", SIZES)
def test_a_decaying_body_and_a_tied_head(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("2", "down")
        await pilot.pause()
        await assert_golden(pilot.app, f"llrd-{name}")

    play(llrd(tmp_path), scenario, SIZES[name])


def test_l_ties_a_group_and_unties_it(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("end", "up", "l")
        await pilot.pause()
        line = pilot.app.focused
        assert isinstance(line, Input)
        assert line.value == "like quarter 4 x 1..100"
        await pilot.press("enter")
        await pilot.pause()
        assert group(screen, "head").lr == TiedRate("quarter 4", Range(1.0, 100.0, "log"))
        assert "├~" in screen_text(pilot.app)
        await pilot.press("shift+left")
        assert group(screen, "head").lr == TiedRate("quarter 4", Range(1.0, 50.0, "log"))
        await pilot.press("l")
        assert group(screen, "head").lr == Range(2e-6, 5e-3, "log")
        assert 'lr = { like = "quarter 4"' not in screen.controller.draft.recipe_text

    play(setup_stage(tmp_path), scenario)


def test_a_rate_that_decays_is_typed_and_taken_away(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("down", "l")
        await type_text(pilot, "decay 0.8..0.95")
        assert group(screen, "quarter 1").layer_decay == Range(0.8, 0.95)
        assert "┄├" in screen_text(pilot.app)
        await pilot.press("l")
        assert group(screen, "quarter 1").layer_decay is None
        assert group(screen, "quarter 1").lr == QUARTER
        await pilot.press("enter")
        await type_text(pilot, "like quarter 2")
        assert group(screen, "quarter 1").lr == TiedRate("quarter 2")
        await pilot.press("down", "enter")
        await type_text(pilot, "like quarter 2")
        assert "itself" in message(screen)
        await type_text(pilot, "like quarter 9")
        assert "quarter" in message(screen)

    play(setup_stage(tmp_path), scenario)


def test_regroup_makes_one_rate_that_decays_of_all_layers(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("g")
        await type_text(pilot, "decay")
        assert group_names(screen) == ["body", "head", "the rest"]
        assert group(screen, "body").layer_decay == Range(0.75, 1.0)
        assert group(screen, "body").lr == QUARTER
        assert group(screen, "head").lr == TiedRate("body", Range(1.0, 100.0, "log"))
        assert group(screen, "the rest").lr == TiedRate("body")
        await pilot.press("u")
        assert "quarter 1" in group_names(screen)

    play(setup_stage(tmp_path), scenario)


def test_fixing_freezing_and_deleting_around_ties(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("down", "equals_sign")
        assert group(screen, "head").lr == 2e-4
        await pilot.press("equals_sign")
        assert group(screen, "head").lr == TiedRate("body", Range(1.0, 100.0, "log"))
        await pilot.press("0", "0")
        assert group(screen, "head").lr == TiedRate("body", Range(1.0, 100.0, "log"))
        await pilot.press("up", "0")
        assert group(screen, "body").lr == FROZEN
        assert "every group is frozen" in screen_text(pilot.app)
        await pilot.press("0", "R")
        await type_text(pilot, "encoder")
        assert group(screen, "the rest").lr == TiedRate("encoder")

    play(llrd(tmp_path), scenario)


def test_fine_steps_and_a_weight_decay_of_its_own(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("down", "full_stop", "less_than_sign")
        assert group(screen, "quarter 1").lr == Range(2.02e-6, 9.9e-5, "log")
        await pilot.press("comma", "greater_than_sign")
        assert group(screen, "quarter 1").lr == QUARTER
        await pilot.press("w")
        await type_text(pilot, "0..0.1")
        assert group(screen, "quarter 1").weight_decay == Range(0.0, 0.1)
        await pilot.press("w")
        await type_text(pilot, "")
        assert group(screen, "quarter 1").weight_decay is None
        await pilot.press("enter")
        await type_text(pilot, "{1e-5,2e-5}")
        assert group(screen, "quarter 1").lr == Choices((1e-5, 2e-5))

    play(setup_stage(tmp_path), scenario)


@pytest.mark.parametrize("name", SIZES)
def test_every_parameter_with_its_rate(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("2", "v")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ParametersScreen)
        await assert_golden(pilot.app, f"parameters-{name}")
        await pilot.press("slash", *"bias", "space", *"head")
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "2 of 30 tensors, 10" in text
        assert "layer.3" not in text
        await pilot.press("enter", "escape")
        assert "30 tensors, 9.0k" in screen_text(pilot.app)
        await pilot.press("escape")
        assert not pilot.app.screen.query("#parameters")

    play(llrd(tmp_path), scenario, SIZES[name])


def test_the_end_of_a_long_name_tells_it_apart() -> None:
    assert truncate_left("roberta.encoder.layer.0.bias", 12) == "…ayer.0.bias"
    assert truncate_left("bias", 6) == "bias  "


def test_ties_and_decays_as_typed() -> None:
    assert parse_tied_rate("like the rest") == TiedRate("the rest")
    assert parse_tied_rate("like head x 0.5") == TiedRate("head", 0.5)
    assert parse_tied_rate("like a × 1..10 lin") == TiedRate("a", Range(1.0, 10.0, "linear"))
    assert parse_tied_rate("1e-5") is None
    assert parse_layer_decay("decay 0.9") == (0.9,)
    assert parse_layer_decay("decay no") == (None,)
    assert parse_layer_decay("1e-5") is None
    for text in ("like a x 0", "like a x -1..2"):
        with pytest.raises(TunerError, match=r"above 0|not a number|negative"):
            parse_tied_rate(text)
    with pytest.raises(TunerError, match="at most 1"):
        parse_layer_decay("decay 1.1")

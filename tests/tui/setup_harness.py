"""A small app and small answers for the tests of the setup screens: no process, no model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from tests.tui import app_harness
from tests.tui.app_harness import LARGE, SMALL, wait_until
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.findings import CheckReport, Finding, ModelDescription
from tuner.recipe.presets import preset_document
from tuner.recipe.types import GroupSpec, Recipe
from tuner.session.folder import Session, create_session
from tuner.tui.app import TunerApp
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.setup.inspection import Services
from tuner.tui.shell.seen_screens import SeenScreens
from tuner.tui.shell.session_app import SessionApp

__all__ = ["LARGE", "SMALL", "wait_until"]

LAYERS = 12


def model_description(layers: int = LAYERS, width: int = 8) -> ModelDescription:
    """Describe a model with the names of RoBERTa; a layer has a matrix and a bias."""
    parameters: list[tuple[str, tuple[int, ...]]] = [
        ("roberta.embeddings.word_embeddings.weight", (1000, width)),
        ("roberta.embeddings.LayerNorm.weight", (width,)),
    ]
    for layer in range(layers):
        name = f"roberta.encoder.layer.{layer}.output.dense"
        parameters += [(f"{name}.weight", (width, width)), (f"{name}.bias", (width,))]
    parameters += [
        ("classifier.dense.weight", (width, width)),
        ("classifier.dense.bias", (width,)),
        ("classifier.out_proj.weight", (2, width)),
        ("classifier.out_proj.bias", (2,)),
    ]
    return ModelDescription("tiny", "roberta", layers, False, width, ["no", "yes"], parameters)


FINDINGS = [
    Finding("ok", "data", "2,490 rows to train, 138 to validate, 139 sealed"),
    Finding("warning", "data", "3 rows of validation are in train as well"),
]


@dataclass
class Answers:
    """What the slow services say, and what they were asked."""

    model: ModelDescription | str = field(default_factory=model_description)
    findings: list[Finding] = field(default_factory=lambda: list(FINDINGS))
    start_problem: str = ""
    started: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    checks: int = 0

    def services(self) -> Services:
        """Return the services that answer so."""
        return Services(self._describe, self._check, self._start, self._pause)

    def _describe(self, recipe: Recipe) -> ModelDescription:  # noqa: ARG002
        if isinstance(self.model, str):
            raise TunerError(self.model)
        return self.model

    def _check(self, recipe: Recipe, rehearse: bool) -> CheckReport:  # noqa: ARG002
        self.checks += 1
        return CheckReport(self.findings, labels=["no", "yes"], rehearsed=rehearse)

    def _pause(self, session: Session) -> None:
        self.paused.append(session.name)

    def _start(self, session: Session) -> None:
        self.started.append(session.name)
        if self.start_problem:
            raise TunerError(self.start_problem)


class Stage(SessionApp):
    """Shows one screen and keeps the messages that reach the app."""

    CSS_PATH = TunerApp.CSS_PATH
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, screen: Screen[Any], services: Services | None = None) -> None:
        super().__init__(
            Path(), lambda: app_harness.NOW, settings=None, seen_screens=SeenScreens(None)
        )
        self.services = services
        self.first = screen
        self.requests: list[Message] = []

    def on_mount(self) -> None:
        """Lay the screen to be tested over the default one."""
        self.push_screen(self.first)

    def open_setup_screen(
        self, session: Session, proposed: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        """Open the setup screen with the stage's services."""
        self.push_screen(SetupScreen(session, proposed, services=self.services))

    def on_start_requested(self, message: Message) -> None:
        """Record the request that the real app answers with its live screen."""
        self.requests.append(message)


def complete_document(preset: str = "groups") -> RecipeDocument:
    """Complete a preset with a model and files that nobody reads."""
    document = preset_document(preset)
    for key, value in {
        "model.name": "roberta-base",
        "data.train": "data/train.jsonl",
        "data.validation": "data/val.jsonl",
        "data.holdout": 0.5,
        "data.text": ["premise", "hypothesis"],
        "data.label": "label",
    }.items():
        document.set_value(key, value)
    return document


def make_session(root: Path, name: str = "rte", text: str | None = None) -> Session:
    """Make a draft session."""
    return create_session(root, name, complete_document().toml_text if text is None else text)


def setup_stage(root: Path, answers: Answers | None = None, **options: object) -> Stage:
    """Make a stage with the setup screen of a fresh draft."""
    session = make_session(root)
    services = (answers or Answers()).services()
    return Stage(SetupScreen(session, services=services, **options))  # type: ignore[arg-type]


def screen_of(app: App[None]) -> SetupScreen:
    """Return the setup screen on top."""
    assert isinstance(app.screen, SetupScreen), app.screen
    return app.screen


async def wait_until_checked(pilot: Pilot[None]) -> SetupScreen:
    """Wait until model and checks are there; return the setup screen."""
    await pilot.pause()
    screen = screen_of(pilot.app)
    knowledge = screen.inspection
    await wait_until(pilot, lambda: knowledge.described_models and not knowledge.running_checks)
    await pilot.pause()
    return screen


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Put a text into the open prompt and press enter."""
    line = pilot.app.focused
    assert isinstance(line, Input), line
    line.value = text
    await pilot.press("enter")
    await pilot.pause()


def group_names(screen: SetupScreen) -> list[str]:
    """Return the names of the draft's groups."""
    assert screen.controller.draft.recipe is not None
    return [group.name for group in screen.controller.draft.recipe.groups]


def group(screen: SetupScreen, name: str) -> GroupSpec:
    """One of the draft's groups."""
    assert screen.controller.draft.recipe is not None
    return next(group for group in screen.controller.draft.recipe.groups if group.name == name)


def screen_text(app: App[None]) -> str:
    """Return what is on the screen, as lines of text."""
    return app_harness.visible_screen_text(cast(TunerApp, app))


async def assert_golden(app: App[None], name: str) -> None:
    """Wait until the screen equals the stored one of that name."""
    await app_harness.assert_golden(cast(TunerApp, app), f"setup-{name}")


Scenario = Callable[[Pilot[None], SetupScreen], Awaitable[None]]


def play(app: Stage, scenario: Scenario, size: tuple[int, int] = SMALL) -> None:
    """Run a scenario on a setup screen whose model and checks have arrived."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await scenario(pilot, await wait_until_checked(pilot))

    asyncio.run(run())

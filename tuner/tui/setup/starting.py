"""Saving the recipe, and starting the worker with it."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message
from textual.screen import Screen

from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import read_recipe_text
from tuner.session.folder import Session
from tuner.tui.setup import inspection
from tuner.tui.setup.draft import Draft
from tuner.tui.setup.inspection import Inspection, Partition, Services, StartEnded
from tuner.tui.setup.navigation import PanesScreen
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.session_history import SessionHistory
from tuner.tui.widgets.key_bar import KeyBar


class StartRequested(Message):
    """The session's worker has started: whoever shows screens goes on to the live one."""

    def __init__(self, session: Session, screen: Screen[None]) -> None:
        super().__init__()
        self.session = session
        self.screen = screen


class StartingScreen(PanesScreen):
    """The part of the setup screen that writes: nothing is asked that need not be."""

    session: Session
    draft: Draft
    history: SessionHistory
    inspection: Inspection
    _services: Services
    _partition: Partition
    _starting = False

    def refresh_draft(self) -> None:
        """Shows the draft as it is now."""
        raise NotImplementedError

    def refresh_title_and_checks(self) -> None:
        """Shows the title and the findings."""
        raise NotImplementedError

    def action_check(self) -> None:
        """Checks the recipe as it is now."""
        raise NotImplementedError

    def action_save(self) -> None:
        """Saves, unless somebody else has changed the file: then asks first."""
        self._save_then(self.action_check)

    def action_start(self) -> None:
        """Saves and starts the worker; asks first where there is something to be told."""
        question = "" if self.draft.read_only else self._question()
        if question:
            self.query_one(KeyBar).ask_yes_or_no(question, lambda: self._save_then(self._start))
        else:
            self._save_then(self._start)

    def _question(self) -> str:
        """What a start does that cannot be taken back, or why it may go wrong; "" for neither."""
        recipe = self.draft.recipe
        errors = self.inspection.error_count_text(self.draft.recipe_text)
        if errors:
            return f"The checks found {errors}; start anyway?"
        return "" if recipe is None else self.history.start_question(recipe)

    def _save_then(self, then: Callable[[], None]) -> None:
        if not all(prompt.submit_if_open() for prompt in self.query(Prompt)):
            return
        if self.draft.read_only or self.draft.problem:
            self.status.show_message(self.draft.read_only or self.draft.problem, "wrong")
        elif self._changed_outside():
            question = "recipe.toml was changed by something else; overwrite it?"
            self.query_one(KeyBar).ask_yes_or_no(question, lambda: self._save(then))
        else:
            self._save(then)

    def _changed_outside(self) -> bool:
        path = self.session.recipe_path
        return path.exists() and read_recipe_text(path) != self.draft.saved_text

    def _save(self, then: Callable[[], None]) -> None:
        def write() -> None:
            document = RecipeDocument.from_text(self.draft.recipe_text)
            document.save_atomically(self.session.recipe_path)

        if self._try(write):
            self.draft.mark_saved()
            self.refresh_draft()
            self.status.show_message(f"saved {self.session.recipe_path}", "good")
            then()

    def _start(self) -> None:
        if self._starting:
            return
        recipe = self.draft.recipe
        refusal = "" if recipe is None else self.history.start_refusal(recipe)
        if self._partition.problem or refusal:
            self.status.show_message(self._partition.problem or refusal, "wrong")
            return
        self._starting = True
        self.draft.read_only = "read-only: the worker is starting with this recipe"
        self.refresh_title_and_checks()
        pause_first = self.history.has_live_worker
        self.status.show_message("pausing the worker…" if pause_first else "starting the worker…")
        inspection.run_in_background(
            self,
            lambda: inspection.launch_worker(self._services, self.session, pause_first=pause_first),
        )

    @on(StartEnded)
    def go_live(self, message: StartEnded) -> None:
        """The study has begun, or it is said why not."""
        self._starting = False
        self.history = SessionHistory.from_session(self.session)
        self.draft.read_only = self.history.read_only_reason
        self.refresh_title_and_checks()
        if message.problem:
            self.status.show_message(message.problem, "wrong")
        else:
            self.post_message(StartRequested(self.session, self))

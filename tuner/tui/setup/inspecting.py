"""Looking at the model and the data of a recipe, beside the screen."""

from __future__ import annotations

from dataclasses import replace

from textual import on

from tuner.recipe.key_parsers import METRICS
from tuner.tui.setup import inspection
from tuner.tui.setup.field_table import SEARCH
from tuner.tui.setup.panes import FormPane
from tuner.tui.setup.starting import StartingScreen


class InspectingScreen(StartingScreen):
    """The part of the setup screen that asks for what takes time, and takes the answers in."""

    def action_check(self) -> None:
        """Checks the recipe as it is now, saved or not, and tries a step with it."""
        self._check(rehearse=True)

    def _check(self, *, rehearse: bool = False) -> None:
        recipe, knowledge = self.draft.recipe, self.inspection
        if recipe is None or self.draft.problem:
            return
        if knowledge.running_checks:
            knowledge.rehearse_next |= rehearse and knowledge.running_checks == "quick"
            return
        knowledge.running_checks, knowledge.rehearse_next = "step" if rehearse else "quick", False
        text, services = self.draft.recipe_text, self._services
        inspection.run_in_background(
            self, lambda: inspection.run_slow_checks(services, recipe, text, rehearse)
        )
        self.refresh_title_and_checks()

    def _check_again(self) -> None:
        """The slow checks, once more where they looked at another model or other data."""
        if self.draft.recipe is not None and self.inspection.needs_new_checks(self.draft.recipe):
            self._check()

    def _read_model(self) -> None:
        recipe, knowledge = self.draft.recipe, self.inspection
        if recipe is None or inspection.model_cache_key(recipe) in knowledge.requested_models:
            return
        knowledge.requested_models.add(inspection.model_cache_key(recipe))
        inspection.run_in_background(
            self, lambda: inspection.describe_recipe_model(self._services, recipe)
        )

    @on(inspection.ModelDescribed)
    def show_model(self, message: inspection.ModelDescribed) -> None:
        """Parameter counts can be told from now on."""
        self.inspection.described_models[message.key] = message
        self.refresh_draft()

    @on(inspection.ChecksFinished)
    def show_checks(self, message: inspection.ChecksFinished) -> None:
        """The findings, and the labels' own metrics to choose from."""
        self.inspection.finished_checks, self.inspection.running_checks = message, ""
        words = (*METRICS, *(f"f1.{label}" for label in self.inspection.checked_labels()))
        fields = [replace(f, words=words) if f.key == "search.metric" else f for f in SEARCH]
        self.query_one("#search", FormPane).field_list.replace_fields(fields)
        self.refresh_draft()
        if self.inspection.rehearse_next:
            self.action_check()
        else:
            self._check_again()

    @on(inspection.ThreadFailed)
    def raise_again(self, message: inspection.ThreadFailed) -> None:
        """A bug in a thread is a bug of the app."""
        raise message.error

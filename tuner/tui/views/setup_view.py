"""The setup screen's view: the recipe's forms and groups, what the checks found, its TOML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual.widget import Widget

from tuner.recipe.key_parsers import METRICS
from tuner.recipe.types import Recipe
from tuner.tui.setup.checks_pane import ChecksPane
from tuner.tui.setup.field_table import FORM, OTHER, SEARCH, TASK
from tuner.tui.setup.fields import value_in_recipe
from tuner.tui.setup.forms import CommitField, FormPane, SearchPane
from tuner.tui.setup.groups_pane import CommitGroups, GroupsPane
from tuner.tui.setup.inspection import Inspection
from tuner.tui.setup.preview import RecipePreview
from tuner.tui.setup.session_history import SessionHistory
from tuner.tui.views.base_view import View

FORM_FIELDS = {"task": (*TASK, *FORM), "other": OTHER, "search": SEARCH}


class SetupView(View):
    """All panes side by side, or one at a time above the checks."""

    PANES = ("task", "groups", "other", "search", "recipe")
    TABS = ("1 Task", "2 LR groups", "3 Other", "4 Search", "5 recipe.toml")

    def __init__(self, commit_field: CommitField, commit_groups: CommitGroups) -> None:
        super().__init__(id="setup")
        self._commit_field, self._commit_groups = commit_field, commit_groups

    def compose_panes(self) -> Iterable[Widget]:
        commit = self._commit_field
        yield FormPane("Task", FORM_FIELDS["task"], commit, number=1, id="task")
        yield GroupsPane(self._commit_groups, number=2)
        yield ChecksPane()
        hyperparameters = FormPane("Other hyperparameters", OTHER, commit, number=3, id="other")
        hyperparameters.set_border_text(hint="space searches or fixes")
        yield hyperparameters
        yield SearchPane("Search", SEARCH, commit, number=4, id="search")
        yield RecipePreview(number=5)

    def open_tab_at(self, index: int) -> None:
        """Show the checks below every tab but the recipe, which needs the height."""
        super().open_tab_at(index)
        self.checks_pane.set_class(self.PANES[index] != "recipe", "-always")

    def on_descendant_focus(self) -> None:
        """Open the tab of a pane that was clicked while all of them show."""
        pane = self.pane_with_focus()
        if pane is not None and pane.id in self.PANES:
            self.open_tab_at(self.PANES.index(pane.id))

    def focus_next_pane(self, step: int) -> None:
        """Focus the pane `step` after the open tab's, cyclically."""
        open_panes = [self.pane_with_id(name).has_class("-active") for name in self.PANES]
        self.focus_pane_number((open_panes.index(True) + step) % len(self.PANES) + 1)

    @property
    def groups_pane(self) -> GroupsPane:
        return self.query_one(GroupsPane)

    @property
    def checks_pane(self) -> ChecksPane:
        return self.query_one(ChecksPane)

    @property
    def recipe_preview(self) -> RecipePreview:
        return self.query_one(RecipePreview)

    @property
    def search_pane(self) -> SearchPane:
        return self.query_one(SearchPane)

    def form_pane(self, pane_id: str) -> FormPane:
        return self.query_one(f"#{pane_id}", FormPane)

    def show_history(self, history: SessionHistory) -> None:
        """Show the rates of earlier trials, and lock the fields that they depend on."""
        started_groups = () if history.recipe is None else history.recipe.groups
        self.groups_pane.show_history(history.rates_by_group, started_groups)
        for pane_id, fields in FORM_FIELDS.items():
            reasons = {f.key: reason for f in fields if (reason := history.lock_reason(f.key))}
            self.form_pane(pane_id).field_list.lock_fields(reasons)

    def show_recipe_values(
        self, recipe: Recipe, inspection: Inspection, rows: int | None, estimates: Sequence[str]
    ) -> None:
        """Show a valid recipe in the forms and the groups; `rows` are those of earlier trials."""
        for pane_id, fields in FORM_FIELDS.items():
            values = {field.key: value_in_recipe(recipe, field) for field in fields}
            self.form_pane(pane_id).show_values(values)
        self.search_pane.show_search_settings(recipe.search, estimates)
        self.groups_pane.show_groups(
            recipe.groups,
            inspection.model_parameters(recipe),
            inspection.partition(recipe.groups, recipe),
            inspection.hint_context(recipe, rows),
        )

    def offer_label_metrics(self, labels: Sequence[str]) -> None:
        """Add the F1 of each label to the metrics to choose from."""
        words = (*METRICS, *(f"f1.{label}" for label in labels))
        fields = [replace(f, words=words) if f.key == "search.metric" else f for f in SEARCH]
        self.search_pane.field_list.replace_fields(fields)

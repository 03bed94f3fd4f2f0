"""The setup screen: a draft's recipe, edited in panes, with its TOML beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import read_text
from tuner.recipe.types import GroupSpec, Recipe
from tuner.recipe.zoom import Ends, zoom
from tuner.session.folder import Session
from tuner.session.plan import enough_trials
from tuner.tui.first_steps import hint_lines
from tuner.tui.setup import inspection, layout
from tuner.tui.setup.checks import Line
from tuner.tui.setup.editor import edit_in_terminal
from tuner.tui.setup.estimate import Measured, estimate_lines, first_measured
from tuner.tui.setup.field_table import FORM, OTHER, SEARCH, TASK
from tuner.tui.setup.fields import Field, Value, field_text, value_of
from tuner.tui.setup.groups_pane import GroupsPane
from tuner.tui.setup.inspecting import InspectingScreen
from tuner.tui.setup.inspection import Knowledge, Partition, Services
from tuner.tui.setup.keys import KEY_ORDER, PANES, SETUP_BINDINGS, TITLES
from tuner.tui.setup.new_session import NewSessionForm
from tuner.tui.setup.panes import ChecksPane, FormPane, PreviewPane, SearchPane
from tuner.tui.setup.parameters import ParametersScreen
from tuner.tui.setup.past import Past
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.starting import StartRequested
from tuner.tui.setup.state import Draft, put_groups
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.setup.title import SetupTitle
from tuner.tui.widgets.bars import Choice, TooSmall
from tuner.tui.widgets.keybar import KeyBar

__all__ = ["NewSessionScreen", "SetupScreen", "StartRequested"]

FORMS = {"task": (*TASK, *FORM), "other": OTHER, "search": SEARCH}


class SetupScreen(InspectingScreen):
    """Edits one session's recipe. The draft is the truth; the panes show it and ask for edits."""

    DEFAULT_CSS = layout.SETUP_CSS
    CSS = layout.TINY_CSS
    BINDINGS = SETUP_BINDINGS
    KEY_ORDER = KEY_ORDER

    def __init__(
        self,
        session: Session,
        proposed: Mapping[str, Ends] | None = None,
        *,
        past: Past | None = None,
        services: Services | None = None,
        edit_text: Callable[..., str] = edit_in_terminal,
    ) -> None:
        """`proposed` are other ends for searched settings, by flat name: one edit to begin with."""
        super().__init__()
        self.session = session
        self.past = past or Past.of(session)
        self.draft = Draft(
            read_text(session.recipe_path), read_only=self.past.read_only, guard=self.past.guard
        )
        self._proposed = proposed or {}
        self._measured: dict[str, Measured | None] = {}
        self.knowledge = Knowledge()
        self._services = services or Services()
        self._edit_text = edit_text
        self._partition = Partition()

    def compose(self) -> ComposeResult:
        """The title, tabs where there is little room, the panes, one line of news, the keys."""
        folder = Path.cwd()
        yield TooSmall()
        yield SetupTitle()
        names = [f"{number} {title}" for number, title in enumerate(TITLES, start=1)]
        yield Choice(names, hint="[ ] switch", id="setup-tabs")
        with Container(id="setup-panes"):
            yield FormPane("1 Task", FORMS["task"], self.commit_field, folder, id="task")
            yield GroupsPane("2 Learning-rate groups", self.commit_groups, id="groups")
            yield ChecksPane(id="checks")
            yield FormPane("3 Other hyperparameters", OTHER, self.commit_field, folder, id="other")
            yield SearchPane("4 Search", SEARCH, self.commit_field, folder, id="search")
            yield PreviewPane("5 recipe.toml", id="recipe")
        yield StatusLine()
        yield from hint_lines(self.app, "setup")
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows the draft, and asks for what takes time."""
        for name in PANES:
            self.query_one(f"#{name}").add_class("setup-pane")
        self.query_one("#other", FormPane).hint("space searches or fixes")
        self.query_one("#recipe", PreviewPane).hint("ctrl+e opens your editor")
        self._show_past()
        self.action_show_pane(PANES.index(self._pane) + 1)
        self.refresh_draft()
        self._announce()

    def _show_past(self) -> None:
        """What trials made of the recipe, and what they keep from being changed."""
        before = self.past.recipe
        self.query_one(GroupsPane).show_past(
            self.past.seen, () if before is None else before.groups
        )
        for name, fields in FORMS.items():
            locked = {f.key: why for f in fields if (why := self.past.locked(f.key))}
            self.query_one(f"#{name}", FormPane).form.keep(locked)

    def _announce(self) -> None:
        """What is to be known before anything else."""
        if self.draft.read_only:
            self.status.say(self.draft.read_only, "wrong")
        elif self.draft.problem:
            self.status.say(self.draft.problem, "wrong")
        else:
            self._try(self._zoom_as_proposed)
            self._check()

    def _zoom_as_proposed(self) -> None:
        """The ranges that another screen proposed, and trials to search them with."""
        if not self._proposed:
            return

        def change(document: RecipeDocument) -> None:
            zoom(document, self._proposed)
            recipe = document.recipe()
            trials = enough_trials(self.past.view, recipe)
            if trials != recipe.search.trials:
                document.set("search.trials", trials)

        ranges = "1 range" if len(self._proposed) == 1 else f"{len(self._proposed)} ranges"
        self._edit(f"zoom into {ranges}", change)

    def refresh_draft(self) -> None:
        """Shows the draft as it is now."""
        draft, recipe = self.draft, self.draft.recipe
        self.query_one(PreviewPane).show(draft.text, draft.saved_text)
        if recipe is not None:
            for name, fields in FORMS.items():
                values = {field.key: value_of(recipe, field) for field in fields}
                self.query_one(f"#{name}", FormPane).show(values)
            self.query_one(SearchPane).show_search(recipe.search, self._estimate(recipe))
            parameters = self.knowledge.parameters(recipe)
            self._partition = Partition()
            if parameters is not None:
                self._partition = inspection.divide(recipe.groups, parameters)
            known = self.knowledge.for_hints(recipe, self.past.view.rows.get("train"))
            self.query_one(GroupsPane).show(recipe.groups, parameters, self._partition, known)
            self._read_model()
        self.refresh_facts()

    def refresh_facts(self) -> None:
        """The title and the findings."""
        draft, recipe = self.draft, self.draft.recipe
        lines = [Line("error", draft.problem)] if draft.problem else []
        if recipe is not None and not draft.problem:
            forecast = self.past.forecast(recipe)
            lines += [Line("hint", forecast)] if forecast else []
            lines += self.knowledge.lines(recipe, self._partition)
        checked = self.knowledge.checked
        outdated = checked is not None and checked.text != draft.text
        old = "before the last edits · c checks again" if outdated else ""
        self.query_one(ChecksPane).show(lines, old)
        self.query_one(SetupTitle).show(f"tuner ▸ {self.session.name} ▸ setup", self._state())

    def _estimate(self, recipe: Recipe) -> list[str]:
        """Time and memory, where trials of this or another session of the model tell them."""
        key = inspection.model_key(recipe)
        if key not in self._measured:
            catalog = getattr(self.app, "catalog", None)
            others = [] if catalog is None else [feed.view for feed in catalog.feeds.values()]
            self._measured[key] = first_measured([self.past.view, *others], recipe)
        rows = self.knowledge.for_hints(recipe, self.past.view.rows.get("train")).rows
        return estimate_lines(recipe, self.past.view, self._measured[key], rows)

    def _state(self) -> str:
        if self._starting:
            return "◔ starting…"
        saved = "unsaved" if self.draft.unsaved else "saved"
        return f"{self.past.word} · {'read-only' if self.draft.read_only else saved}"

    def commit_field(self, field: Field, value: Value) -> None:
        """Takes one field's value over; TunerError where the recipe would be wrong."""

        def change(document: RecipeDocument) -> None:
            if value is None:
                document.unset(field.key)
            else:
                document.set(field.key, value)

        self._edit(f"{field.label}: {field_text(field, value) or 'empty'}", change)

    def commit_groups(self, groups: tuple[GroupSpec, ...], what: str, joined: str) -> None:
        """Takes groups over; TunerError where a parameter would be in none or in two."""
        recipe = self.draft.recipe
        parameters = None if recipe is None else self.knowledge.parameters(recipe)
        if parameters is not None and not self._partition.problem:
            broken = inspection.divide(groups, parameters).problem
            if broken:
                raise TunerError(broken)
        self._edit(what, lambda document: put_groups(document, groups), joined)

    def _edit(self, what: str, change: Callable[[RecipeDocument], None], joined: str = "") -> None:
        before = self.draft.text
        self.draft.edit(what, change, joined=joined)
        if self.draft.text != before:
            self.refresh_draft()
            self.status.say(what, "good")
            self._check_again()

    @on(GroupsPane.ParametersAsked)
    def show_parameters(self) -> None:
        """Every parameter with its group and its rate, over the screen."""
        recipe = self.draft.recipe
        if recipe is None or not self._partition.resolved:
            self.status.say(self._partition.problem or "the model is not read yet", "wrong")
        else:
            self.app.push_screen(ParametersScreen(recipe.groups, self._partition.resolved))

    @on(Prompt.Refused)
    def show_refusal(self, message: Prompt.Refused) -> None:
        """One line that says what is wrong with what was typed or pressed."""
        message.stop()
        self.status.say(message.reason, "wrong" if message.reason else "quiet")

    @on(FormPane.Help)
    def show_help(self, message: FormPane.Help) -> None:
        """One line about the selected field."""
        message.stop()
        self.status.help(message.text, moved=message.moved)

    def action_undo(self) -> None:
        """One edit back."""
        self._try(lambda: self._travelled("undone", self.draft.undo()))

    def action_redo(self) -> None:
        """One undo back."""
        self._try(lambda: self._travelled("redone", self.draft.redo()))

    def _travelled(self, how: str, what: str) -> None:
        self.refresh_draft()
        self.status.say(f"{how}: {what}", "good")
        self._check_again()

    def action_editor(self) -> None:
        """The text in the user's own editor; what comes back is one step of undo."""

        def edit() -> None:
            if self.draft.read_only:
                raise TunerError(self.draft.read_only)
            self.draft.replace_text("the editor", self._edit_text(self.app, self.draft.text))
            self.refresh_draft()
            if self.draft.problem:
                raise TunerError(self.draft.problem)
            self.status.say("taken over from the editor; u goes back", "good")

        self._try(edit)

    def action_back(self) -> None:
        """Out of the zoom, else out of the screen."""
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
        else:
            self._unless_unsaved(self.dismiss)

    def action_leave(self) -> None:
        """Out of all screens."""
        self._unless_unsaved(self.app.exit)

    def _unless_unsaved(self, leave: Callable[[], object]) -> None:
        if self.draft.unsaved:
            self.query_one(KeyBar).ask("Leave without saving?", leave)
        else:
            leave()


class NewSessionScreen(NewSessionForm):
    """Asks for what a new session needs, makes it, and goes on in the setup screen."""

    def go_on(self, session: Session) -> None:
        """The new session's recipe, ready for more."""
        self.app.switch_screen(SetupScreen(session, services=self.services))

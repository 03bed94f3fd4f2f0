"""The setup screen: a draft's recipe, edited in panes, with its TOML beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import read_text
from tuner.recipe.schema import METRICS
from tuner.recipe.types import GroupSpec
from tuner.session.folder import Session
from tuner.tui.setup import inspection, layout
from tuner.tui.setup.checks import Line
from tuner.tui.setup.editor import edit_in_terminal
from tuner.tui.setup.field_table import OTHER, SEARCH, TASK
from tuner.tui.setup.fields import Field, Value, field_text, value_of
from tuner.tui.setup.groups_pane import GroupsPane
from tuner.tui.setup.inspection import Knowledge, Partition, Services
from tuner.tui.setup.keys import KEY_ORDER, PANES, SETUP_BINDINGS, TITLES
from tuner.tui.setup.new_session import NewSessionForm
from tuner.tui.setup.panes import ChecksPane, FormPane, PreviewPane, SearchPane
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.state import Draft, begun_reason, put_groups
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.setup.title import SetupTitle
from tuner.tui.widgets.bars import Choice, TooSmall
from tuner.tui.widgets.keybar import KeyBar

FORMS = {"task": TASK, "other": OTHER, "search": SEARCH}


class StartRequested(Message):
    """The session's worker has started: whoever shows screens goes on to the live one."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class SetupScreen(Screen[None]):
    """Edits one session's recipe. The draft is the truth; the panes show it and ask for edits."""

    DEFAULT_CSS = layout.SETUP_CSS
    CSS = layout.TINY_CSS
    HORIZONTAL_BREAKPOINTS = layout.HORIZONTAL
    VERTICAL_BREAKPOINTS = layout.VERTICAL
    AUTO_FOCUS = ""
    BINDINGS = SETUP_BINDINGS
    KEY_ORDER = KEY_ORDER

    def __init__(
        self,
        session: Session,
        *,
        services: Services | None = None,
        edit_text: Callable[..., str] = edit_in_terminal,
    ) -> None:
        super().__init__()
        self.session = session
        self.draft = Draft(read_text(session.recipe_path), read_only=begun_reason(session))
        self.knowledge = Knowledge()
        self._services = services or Services()
        self._edit_text = edit_text
        self._partition = Partition()
        self._starting = False
        self._pane = "groups"

    def compose(self) -> ComposeResult:
        """The title, tabs where there is little room, the panes, one line of news, the keys."""
        folder = Path.cwd()
        yield TooSmall()
        yield SetupTitle()
        names = [f"{number} {title}" for number, title in enumerate(TITLES, start=1)]
        yield Choice(names, hint="[ ] switch", id="setup-tabs")
        with Container(id="setup-panes"):
            yield FormPane("1 Task", TASK, self.commit_field, folder, id="task")
            yield GroupsPane("2 Learning-rate groups", self.commit_groups, id="groups")
            yield ChecksPane(id="checks")
            yield FormPane("3 Other hyperparameters", OTHER, self.commit_field, folder, id="other")
            yield SearchPane("4 Search", SEARCH, self.commit_field, folder, id="search")
            yield PreviewPane("5 recipe.toml", id="recipe")
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows the draft, and asks for what takes time."""
        for name in PANES:
            self.query_one(f"#{name}").add_class("setup-pane")
        self.query_one("#other", FormPane).hint("space searches or fixes")
        self.query_one("#recipe", PreviewPane).hint("ctrl+e opens your editor")
        self.action_show_pane(PANES.index(self._pane) + 1)
        self.refresh_draft()
        if self.draft.read_only:
            self.status.say(self.draft.read_only, "wrong")
        elif self.draft.problem:
            self.status.say(self.draft.problem, "wrong")
        else:
            self.action_check()

    @property
    def status(self) -> StatusLine:
        """The line of news."""
        return self.query_one(StatusLine)

    def refresh_draft(self) -> None:
        """Shows the draft as it is now."""
        draft, recipe = self.draft, self.draft.recipe
        self.query_one(PreviewPane).show(draft.text, draft.saved_text)
        if recipe is not None:
            for name, fields in FORMS.items():
                values = {field.key: value_of(recipe, field) for field in fields}
                self.query_one(f"#{name}", FormPane).show(values)
            self.query_one(SearchPane).show_search(recipe.search)
            parameters = self.knowledge.parameters(recipe)
            self._partition = Partition()
            if parameters is not None:
                self._partition = inspection.divide(recipe.groups, parameters)
            self.query_one(GroupsPane).show(recipe.groups, parameters, self._partition)
            self._read_model()
        self._refresh_facts()

    def _refresh_facts(self) -> None:
        """The title and the findings."""
        draft, recipe = self.draft, self.draft.recipe
        lines = [Line("error", draft.problem)] if draft.problem else []
        if recipe is not None and not draft.problem:
            lines += self.knowledge.lines(recipe, self._partition)
        checked = self.knowledge.checked
        outdated = checked is not None and checked.text != draft.text
        old = "before the last edits · c checks again" if outdated else ""
        self.query_one(ChecksPane).show(lines, old)
        self.query_one(SetupTitle).show(f"tuner ▸ {self.session.name} ▸ setup", self._state())

    def _state(self) -> str:
        if self._starting:
            return "◔ starting…"
        if self.draft.read_only:
            return "read-only"
        return "○ draft · unsaved" if self.draft.unsaved else "○ draft · saved"

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

    def _read_model(self) -> None:
        recipe, knowledge = self.draft.recipe, self.knowledge
        if recipe is None or inspection.model_key(recipe) in knowledge.asked:
            return
        knowledge.asked.add(inspection.model_key(recipe))
        inspection.in_background(self, lambda: inspection.read_model(self._services, recipe))

    @on(inspection.ModelRead)
    def show_model(self, message: inspection.ModelRead) -> None:
        """Parameter counts can be told from now on."""
        self.knowledge.models[message.key] = message
        self.refresh_draft()

    @on(inspection.Checked)
    def show_checks(self, message: inspection.Checked) -> None:
        """The findings, and the labels' own metrics to choose from."""
        self.knowledge.checked, self.knowledge.checking = message, False
        words = (*METRICS, *(f"f1.{label}" for label in self.knowledge.labels()))
        fields = [replace(f, words=words) if f.key == "search.metric" else f for f in SEARCH]
        self.query_one("#search", FormPane).form.replace_fields(fields)
        self._refresh_facts()

    @on(inspection.StartEnded)
    def go_live(self, message: inspection.StartEnded) -> None:
        """The study has begun, or it is said why not."""
        self._starting = False
        self.draft.read_only = begun_reason(self.session)
        self._refresh_facts()
        if message.problem:
            self.status.say(message.problem, "wrong")
        else:
            self.post_message(StartRequested(self.session))

    @on(inspection.Broke)
    def raise_again(self, message: inspection.Broke) -> None:
        """A bug in a thread is a bug of the app."""
        raise message.error

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

    @on(Choice.Chosen)
    def show_chosen(self, message: Choice.Chosen) -> None:
        """A click on a tab."""
        self.action_show_pane(message.index + 1)

    def action_show_pane(self, number: int) -> None:
        """Shows and focuses a pane."""
        self._pane = PANES[number - 1]
        for name in PANES:
            self.query_one(f"#{name}").set_class(name == self._pane, "-current")
        self.set_class(self._pane == "recipe", "-recipe-shown")
        self.query_one(Choice).choose(number - 1)
        pane = self.query_one(f"#{self._pane}")
        next(child for child in pane.walk_children(Widget) if child.can_focus).focus()

    def action_next_pane(self, by: int) -> None:
        """The next or the previous pane."""
        self.action_show_pane((PANES.index(self._pane) + by) % len(PANES) + 1)

    def on_descendant_focus(self) -> None:
        """A click may have gone to another pane."""
        for name in PANES:
            if self.query_one(f"#{name}").has_focus_within and name != self._pane:
                self.action_show_pane(PANES.index(name) + 1)

    def action_zoom(self) -> None:
        """The current pane alone, or all of them again."""
        self.toggle_class("-zoomed")

    def _try(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except TunerError as error:
            self.status.say(str(error), "wrong")
            return False
        return True

    def action_undo(self) -> None:
        """One edit back."""
        self._try(lambda: self._travelled("undone", self.draft.undo()))

    def action_redo(self) -> None:
        """One undo back."""
        self._try(lambda: self._travelled("redone", self.draft.redo()))

    def _travelled(self, how: str, what: str) -> None:
        self.refresh_draft()
        self.status.say(f"{how}: {what}", "good")

    def action_check(self) -> None:
        """Checks the recipe as it is now, saved or not."""
        recipe = self.draft.recipe
        if recipe is None or self.draft.problem or self.knowledge.checking:
            return
        self.knowledge.checking = True
        text = self.draft.text
        inspection.in_background(self, lambda: inspection.run_checks(self._services, recipe, text))
        self._refresh_facts()

    def action_save(self) -> None:
        """Saves, unless somebody else has changed the file: then asks first."""
        self._save_then(self.action_check)

    def action_start(self) -> None:
        """Saves and starts the worker; asks first where the checks have found errors."""
        errors = self.knowledge.errors(self.draft.text)
        if errors and not self.draft.read_only:
            question = f"The checks found {errors}; start all the same?"
            self.query_one(KeyBar).ask(question, lambda: self._save_then(self._start))
        else:
            self._save_then(self._start)

    def _save_then(self, then: Callable[[], None]) -> None:
        if not all(prompt.finish() for prompt in self.query(Prompt)):
            return
        if self.draft.read_only or self.draft.problem:
            self.status.say(self.draft.read_only or self.draft.problem, "wrong")
        elif self._changed_outside():
            question = "recipe.toml was changed by something else; overwrite it?"
            self.query_one(KeyBar).ask(question, lambda: self._save(then))
        else:
            self._save(then)

    def _changed_outside(self) -> bool:
        path = self.session.recipe_path
        return path.exists() and read_text(path) != self.draft.saved_text

    def _save(self, then: Callable[[], None]) -> None:
        def write() -> None:
            document = RecipeDocument.from_text(self.draft.text)
            document.save(self.session.recipe_path)

        if self._try(write):
            self.draft.mark_saved()
            self.refresh_draft()
            self.status.say(f"saved {self.session.recipe_path}", "good")
            then()

    def _start(self) -> None:
        if self._starting:
            return
        if self._partition.problem:
            self.status.say(self._partition.problem, "wrong")
            return
        self._starting = True
        self.draft.read_only = "read-only: the worker is starting with this recipe"
        self._refresh_facts()
        self.status.say("starting the worker…")
        inspection.in_background(
            self, lambda: inspection.start_worker(self._services, self.session)
        )

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

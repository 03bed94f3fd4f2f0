"""Asks for a new session's name, preset, model and files, and creates it."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.fitted_rates import fit_rates
from tuner.recipe.model_shape import shape_of_model
from tuner.recipe.presets import preset_document, preset_names
from tuner.recipe.readers import Place
from tuner.recipe.schema import SECTIONS
from tuner.recipe.user_paths import working_folder
from tuner.session.folder import Session, check_new_name, create_session, list_sessions
from tuner.tui.setup import layout
from tuner.tui.setup.field_table import TASK
from tuner.tui.setup.fields import Field, Value
from tuner.tui.setup.inspection import Services
from tuner.tui.setup.panes import FormPane
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.setup.title import SetupTitle
from tuner.tui.widgets.bars import TooSmall
from tuner.tui.widgets.keybar import KeyBar

FIRST_PRESET = "groups"
PROTOCOLS = ("hub:", "demo:", "/", "~")


def _checked_preset(name: str) -> str:
    preset_document(name)
    return name


NAME = Field("new.name", "name", "Letters, digits, - _ and .", "text", read=check_new_name)
PRESET = Field(
    "new.preset",
    "preset",
    "What the recipe starts from; ←/→ goes through them",
    "word",
    words=preset_names(),
    read=_checked_preset,
)
FIELDS = (NAME, PRESET, *TASK)


class NewSessionForm(Screen[None]):
    """Everything that is typed is kept when another preset is chosen."""

    DEFAULT_CSS = """
    NewSessionForm {
        layout: vertical;
        & > #too-small { display: none; }
        & #new { height: 14; width: 1fr; max-width: 100; }
        & #about { height: 1fr; padding: 1 3; max-width: 100; color: $text-muted; }
    }
    """
    CSS = layout.TINY_CSS
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = layout.HORIZONTAL
    VERTICAL_BREAKPOINTS = layout.VERTICAL
    KEY_ORDER = ("fields.type", "new.create")
    BINDINGS = [
        Binding("ctrl+s", "create", "Create", id="new.create", tooltip="Make the session"),
        Binding("escape", "back", "Back", id="app.back", tooltip="Leave without a session"),
    ]

    def __init__(self, root: Path, *, services: Services | None = None) -> None:
        super().__init__()
        self.root = root
        self.services = services or Services()
        self.name_typed = ""
        self.preset = FIRST_PRESET
        self._typed: dict[str, Value] = {}
        self._document = preset_document(self.preset)

    def go_on(self, session: Session) -> None:
        """What comes after the session was made."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The form, what the preset says about itself, one line of news, the keys."""
        yield TooSmall()
        yield SetupTitle()
        yield FormPane("New session", FIELDS, self.commit, Path.cwd(), id="new")
        yield Static(id="about", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begins with a name that is free."""
        self.name_typed = self._free_name()
        self.query_one("#new", FormPane).hint("enter types · ←/→ chooses · ctrl+s creates")
        self.query_one("#new", FormPane).form.focus()
        self._refresh()

    def _free_name(self) -> str:
        taken = {session.name for session in list_sessions(self.root)}
        names = [self.preset, *(f"{self.preset}-{n}" for n in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken)

    def _refresh(self) -> None:
        values: dict[str, Value] = {NAME.key: self.name_typed, PRESET.key: self.preset}
        for field in TASK:
            section, key = field.key.split(".")
            value = self._document.get(field.key)
            rule = SECTIONS[section][key]
            values[field.key] = None if value is None else rule.read(value, Place("", key))
        self.query_one("#new", FormPane).show(values)
        self.query_one("#about", Static).update(_preamble(self._document.text))
        self.query_one(SetupTitle).show("tuner ▸ new session", "not created yet")

    def commit(self, field: Field, value: Value) -> None:
        """Takes one value over; TunerError where it cannot be."""
        if field is NAME:
            self._commit_name(str(value))
        elif field is PRESET:
            self._choose(str(value))
        else:
            self._typed[field.key] = value
            _put(self._document, field.key, value)
        self._refresh()
        self.query_one(StatusLine).say("")

    def _commit_name(self, name: str) -> None:
        if name in {session.name for session in list_sessions(self.root)}:
            raise TunerError(f"there is a session {name} already")
        self.name_typed = name

    def _choose(self, preset: str) -> None:
        was_proposed = self.name_typed == self._free_name()
        self.preset, self._document = preset, preset_document(preset)
        for key, value in self._typed.items():
            _put(self._document, key, value)
        if was_proposed:
            self.name_typed = self._free_name()

    @on(Prompt.Refused)
    def show_refusal(self, message: Prompt.Refused) -> None:
        """One line that says what is wrong."""
        message.stop()
        self.query_one(StatusLine).say(message.reason, "wrong" if message.reason else "quiet")

    @on(FormPane.Help)
    def show_help(self, message: FormPane.Help) -> None:
        """One line about the selected field."""
        message.stop()
        self.query_one(StatusLine).help(message.text, moved=message.moved)

    def action_create(self) -> None:
        """Makes the session, or goes to the field that is missing."""
        pane = self.query_one("#new", FormPane)
        if not pane.query_one(Prompt).finish():
            return
        missing = [i for i, field in enumerate(FIELDS) if self._is_missing(field)]
        if missing:
            pane.form.cursor = missing[0]
            label = FIELDS[missing[0]].label
            # After the form has told its help, which would otherwise come last.
            self.call_after_refresh(self.query_one(StatusLine).say, f"{label} is missing", "wrong")
            return
        try:
            session = self._create()
        except TunerError as error:
            self.query_one(StatusLine).say(str(error), "wrong")
        else:
            self.go_on(session)

    def _is_missing(self, field: Field) -> bool:
        required = field.key in ("model.name", "data.train", "data.validation", "data.text")
        needed = required or field.key == "data.label"
        return needed and self._document.get(field.key) is None

    def _create(self) -> Session:
        train = self._document.get("data.train")
        if not str(train).startswith(PROTOCOLS) and self._document.get("data.root") is None:
            self._document.set("data.root", str(working_folder()))
        self._fit_rates()
        self._document.recipe()
        return create_session(self.root, self.name_typed, self._document.text)

    def _fit_rates(self) -> None:
        """As `tuner new` does: a preset that is for any model has ranges for this one."""
        shape = shape_of_model(str(self._document.get("model.name")))
        if shape is not None and preset_document(self.preset).get("model.name") is None:
            fit_rates(self._document, shape)

    def action_back(self) -> None:
        """Out, without a session."""
        self.dismiss()


def _put(document: RecipeDocument, key: str, value: Value) -> None:
    if value is None:
        document.unset(key)
    else:
        document.set(key, value)


def _preamble(text: str) -> str:
    """The comment that a preset begins with."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.lstrip("# ") for line in lines)

"""The form for a new session's name, preset, model and files."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.field_parsers import Location
from tuner.recipe.model_rates import scale_rates_to_model
from tuner.recipe.model_shape import infer_model_shape
from tuner.recipe.presets import preset_document, preset_names
from tuner.recipe.schema import SECTIONS
from tuner.recipe.user_paths import find_working_folder
from tuner.render.status_text import screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.session.folder import (
    Session,
    check_new_session_name,
    create_session,
    list_sessions,
    unused_session_name,
)
from tuner.tui.screens.tuner_screen import TunerScreen
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.field_table import TASK
from tuner.tui.setup.fields import FieldValue, FormField, write_field_value
from tuner.tui.setup.forms import FormPane
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.row_list import InputRefused
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall
from tuner.tui.widgets.key_bindings import key

FIRST_PRESET = "groups"
PROTOCOLS = ("hub:", "demo:", "/", "~")


def _checked_preset(name: str) -> str:
    preset_document(name)
    return name


NAME = FormField(
    "new.name", "name", "Letters, digits, - _ and .", "text", read=check_new_session_name
)
PRESET = FormField(
    "new.preset",
    "preset",
    "What the recipe starts from; ←/→ switch",
    "word",
    words=preset_names(),
    read=_checked_preset,
)
FIELDS = (NAME, PRESET, *TASK)


class NewSessionScreen(TunerScreen):
    """A form; what is typed stays when another preset is chosen. The setup screen follows."""

    AUTO_FOCUS = ""
    KEY_ORDER = ("fields.type", "new.create")
    BINDINGS = [
        key("ctrl+s", "create", "new.create", "Create", "Create the session"),
        key("escape", "back", "app.back", "Back", "Leave without creating a session"),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.session_name = ""
        self.preset = FIRST_PRESET
        self._typed: dict[str, FieldValue] = {}
        self._document = preset_document(self.preset)

    def compose(self) -> ComposeResult:
        yield DrawnLine(self._draw_title, id="title")
        form = FormPane("New session", FIELDS, self.commit_field, id="new")
        form.set_border_text(hint="enter types · ←/→ chooses · ctrl+s creates")
        yield form
        yield Static(id="about", markup=False)
        yield StatusLine()
        yield self.make_key_bar()
        yield TooSmall()

    def _draw_title(self, width: int, styles: Styles) -> list[TextRun]:
        right = [("not created yet ", styles.muted)]
        return screen_title_runs(["new session"], [], right, width, styles)

    @property
    def status_line(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def form(self) -> FormPane:
        return self.query_one("#new", FormPane)

    def on_mount(self) -> None:
        self.session_name = unused_session_name(self.root, self.preset)
        self.form.field_list.focus()
        self._show_form_values()

    def _show_form_values(self) -> None:
        values: dict[str, FieldValue] = {NAME.key: self.session_name, PRESET.key: self.preset}
        for field in TASK:
            section, key = field.key.split(".")
            value = self._document.get_value(field.key)
            rule = SECTIONS[section][key]
            values[field.key] = (
                None if value is None else rule.parse_setting(value, Location("", key))
            )
        self.form.show_values(values)
        self.query_one("#about", Static).update(_leading_comment(self._document.toml_text))

    def commit_field(self, field: FormField, value: FieldValue) -> None:
        """Take over one value; TunerError where it is not valid."""
        if field is NAME:
            self._set_session_name(str(value))
        elif field is PRESET:
            self._choose_preset(str(value))
        else:
            self._typed[field.key] = value
            write_field_value(self._document, field.key, value)
        self._show_form_values()
        self.status_line.show_message("")

    def _set_session_name(self, name: str) -> None:
        if name in {session.name for session in list_sessions(self.root)}:
            raise TunerError(f"a session {name} exists already")
        self.session_name = name

    def _choose_preset(self, preset: str) -> None:
        was_proposed = self.session_name == unused_session_name(self.root, self.preset)
        self.preset, self._document = preset, preset_document(preset)
        for field_key, value in self._typed.items():
            write_field_value(self._document, field_key, value)
        if was_proposed:
            self.session_name = unused_session_name(self.root, self.preset)

    def on_input_refused(self, event: InputRefused) -> None:
        self.status_line.show_error(event.reason)

    def on_field_list_selected(self, event: FieldList.Selected) -> None:
        self.status_line.show_help(event.field.help_line, moved=event.moved)

    def action_create(self) -> None:
        """Create the session, or move to the field that is missing."""
        if not self.form.query_one(Prompt).submit_if_open():
            return
        missing = [i for i, field in enumerate(FIELDS) if self._is_missing_value(field)]
        if missing:
            self.form.field_list.cursor = missing[0]
            label = FIELDS[missing[0]].label
            # After the form has told its help, which would otherwise come last.
            self.call_after_refresh(self.status_line.show_error, f"{label} is missing")
            return
        try:
            session = self._create_session()
        except TunerError as error:
            self.status_line.show_error(str(error))
        else:
            self.dismiss()
            self.tuner_app.open_setup_screen(session)

    def _is_missing_value(self, field: FormField) -> bool:
        required = field.key in ("model.name", "data.train", "data.validation", "data.text")
        needed = required or field.key == "data.label"
        return needed and self._document.get_value(field.key) is None

    def _create_session(self) -> Session:
        train = self._document.get_value("data.train")
        if not str(train).startswith(PROTOCOLS) and self._document.get_value("data.root") is None:
            self._document.set_value("data.root", str(find_working_folder()))
        self._adapt_rates_to_model()
        self._document.parse_recipe()
        return create_session(self.root, self.session_name, self._document.toml_text)

    def _adapt_rates_to_model(self) -> None:
        """Move the ranges of a preset for any model to this model's rate, as `tuner new` does."""
        shape = infer_model_shape(str(self._document.get_value("model.name")))
        if shape is not None and preset_document(self.preset).get_value("model.name") is None:
            scale_rates_to_model(self._document, shape)

    def action_back(self) -> None:
        self.dismiss()


def _leading_comment(text: str) -> str:
    """Return the comment at the beginning of a preset."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.lstrip("# ") for line in lines)

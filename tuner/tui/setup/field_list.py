"""A form: one row per field; its value is typed, chosen or toggled in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from tuner.errors import TunerError
from tuner.recipe.types import Choices, Range
from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text
from tuner.tui.setup.fields import (
    FieldValue,
    FormField,
    displayed_value_text,
    next_field_word,
    toggle_searched,
)
from tuner.tui.setup.row_list import InputRefused, RowList
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import theme_styles

LABEL_WIDTH, MAX_LABEL_WIDTH = 16, 32
HOW_WIDTH = 7


class FieldList(RowList):
    """Fields whose keys are turned into new values.

    It changes nothing itself: it posts `Changed` and `TypingRequested`, and shows the values that
    the recipe's keeper answers with.
    """

    BINDINGS = [
        key("enter", "type_value", "fields.type", "Type", "Type: 3, 2..10 or {16,32}"),
        key("space", "search_or_fix", "fields.toggle", "Search/fix", "Search the value, or fix it"),
        key("left", "choose_word(-1)", "fields.previous", "Previous", "Previous word", show=False),
        key("right", "choose_word(1)", "fields.next", "Next", "Next word", show=False),
    ]

    class Changed(Message):
        """A field was given a value with one key."""

        def __init__(self, field: FormField, value: FieldValue) -> None:
            super().__init__()
            self.field, self.value = field, value

    class TypingRequested(Message):
        """The user wants to type a field's value."""

        def __init__(self, field: FormField, value: FieldValue) -> None:
            super().__init__()
            self.field, self.value = field, value

    class Selected(Message):
        """The cursor is on this field; `moved` says whether it has just arrived."""

        def __init__(self, field: FormField, *, moved: bool) -> None:
            super().__init__()
            self.field, self.moved = field, moved

    HEADER = 0

    def __init__(self, fields: Sequence[FormField], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.fields = tuple(fields)
        self.values: dict[str, FieldValue] = {}
        self._before: dict[str, FieldValue] = {}
        self.has_searchable = any(field.is_searchable for field in fields)
        self._locked: Mapping[str, str] = {}
        longest = max((cell_len(field.label) for field in fields), default=0)
        self._label_width = min(max(longest + 1, LABEL_WIDTH), MAX_LABEL_WIDTH)

    def show_values(self, values: Mapping[str, FieldValue]) -> None:
        """Show values by field key; a field without one is empty."""
        for field_key, value in self.values.items():
            if isinstance(value, Range | Choices):
                self._before[field_key] = value
        self.values = dict(values)
        self.update_rows()

    def lock_fields(self, reasons: Mapping[str, str]) -> None:
        """Lock fields: the reason by key, shown when somebody tries to change one."""
        self._locked = reasons
        self.update_rows()

    def _refuse_locked(self) -> bool:
        reason = self._locked.get(self.selected_field.key, "")
        if reason:
            self.post_message(InputRefused(reason))
        return bool(reason)

    def replace_fields(self, fields: Sequence[FormField]) -> None:
        """Replace the fields (other words to choose from) and keep the cursor."""
        self.fields = tuple(fields)
        self.update_rows()

    @property
    def selected_field(self) -> FormField:
        return self.fields[self.cursor]

    def row_count(self) -> int:
        return len(self.fields)

    def runs_of_row(self, index: int, width: int) -> Sequence[TextRun]:
        """Draw searched or fixed, the label, the value, and how the value is chosen."""
        field = self.fields[index]
        value = self.values.get(field.key)
        value_text, how = displayed_value_text(field, value)
        searched = isinstance(value, Range | Choices)
        room = max(width - self.value_column_start(), 4)
        locked = field.key in self._locked
        shows_arrows = index == self.cursor and self.has_focus and not locked
        text = (
            f"‹ {sanitize_text(value_text)} ›"
            if field.words and shows_arrows
            else sanitize_text(value_text)
        )
        how = "locked" if locked else how
        wants_how = self.has_searchable or locked
        how_cell = fit_text(how, HOW_WIDTH) if wants_how and room >= 20 else ""
        styles = theme_styles(self)
        look = styles.muted if locked else styles.complete if searched else styles.accent
        return [
            *self._search_mark_runs(field, searched),
            (fit_text(field.label, self._label_width), Style.null()),
            (fit_text(text, room - len(how_cell) - 1) + " ", look),
            (how_cell, styles.muted),
        ]

    def _search_mark_runs(self, field: FormField, searched: bool) -> list[TextRun]:
        if not self.has_searchable:
            return []
        if not field.is_searchable:
            return [("  ", Style.null())]
        return [
            ("● ", theme_styles(self).complete) if searched else ("○ ", theme_styles(self).muted)
        ]

    def value_column_start(self) -> int:
        """Return the cell where values begin, counted from the row's start."""
        return self._label_width + (2 if self.has_searchable else 0)

    def watch_cursor(self) -> None:
        super().watch_cursor()
        if self.has_focus:
            self.post_message(self.Selected(self.selected_field, moved=True))

    def on_focus(self) -> None:
        self.post_message(self.Selected(self.selected_field, moved=False))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer space only where a form has something to search."""
        if action == "search_or_fix":
            return self.has_searchable
        return super().check_action(action, parameters)

    def action_type_value(self) -> None:
        field = self.selected_field
        if self._refuse_locked():
            return
        self.post_message(self.TypingRequested(field, self.values.get(field.key)))

    def action_search_or_fix(self) -> None:
        """Search a fixed value, or fix a searched one."""
        field = self.selected_field
        try:
            value = toggle_searched(field, self.values.get(field.key), self._before)
        except TunerError as error:
            self.post_message(InputRefused(str(error)))
        else:
            self.post_message(self.Changed(field, value))

    def action_choose_word(self, direction: int) -> None:
        """Take the next (+1) or previous (-1) of the field's words."""
        field = self.selected_field
        if self._refuse_locked():
            return
        word = next_field_word(field, self.values.get(field.key), direction)
        if word is None:
            self.post_message(InputRefused(f"{field.label} has no list of values: enter types one"))
        else:
            self.post_message(self.Changed(field, word))

    def on_click(self, event: events.Click) -> None:
        """Type the value of a row that is clicked twice."""
        if event.chain > 1 and self.row_under_mouse(event) is not None:
            self.action_type_value()

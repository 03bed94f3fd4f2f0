"""How a form's fields are typed, checked and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.field_parsers import Location
from tuner.recipe.load import setting_to_plain_value
from tuner.recipe.numbers import format_typed_duration, format_typed_setting, format_typed_value
from tuner.recipe.schema import SECTIONS
from tuner.recipe.types import Choices, Range, Recipe, Scalar, Setting
from tuner.results.format import format_number
from tuner.tui.setup.grammar import Grammar, parse_setting
from tuner.tui.setup.range_steps import fix_setting

FieldKind = Literal[
    "text", "number", "word", "columns", "file", "share or file", "duration", "labels", "names"
]
FieldValue = Setting | tuple[str | int, ...] | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class FormField:
    """One row of a form.

    `words` are what ←/→ go through; `usual` is what space makes of a fixed value the first time.
    An optional field is emptied by typing nothing. `read` is for what is no key of a recipe.
    """

    key: str
    label: str
    help: str
    kind: FieldKind = "number"
    integer: bool = False
    words: tuple[Scalar, ...] = ()
    usual: Setting | None = None
    optional: bool = False
    read: Callable[[str], FieldValue] | None = None

    @property
    def is_searchable(self) -> bool:
        return self.usual is not None

    @property
    def help_line(self) -> str:
        return f"{self.label}: {self.help}"


def value_in_recipe(recipe: Recipe, field: FormField) -> FieldValue:
    section, key = field.key.split(".")
    value: FieldValue = getattr(getattr(recipe, section), key)
    return value


def write_field_value(document: RecipeDocument, key: str, value: FieldValue) -> None:
    """Set a key of the recipe, or remove it for None; TunerError where the value is not valid."""
    if value is None:
        document.remove_key(key)
    else:
        document.set_value(key, value)


def parse_field_text(field: FormField, text: str) -> FieldValue:
    """Parse what was typed with the recipe's own reader. Raises TunerError; None means empty."""
    text = text.strip()
    if not text:
        if field.optional:
            return None
        raise TunerError(f"{field.label} cannot be empty")
    if field.read is not None:
        return field.read(text)
    section, key = field.key.split(".")
    value: FieldValue = SECTIONS[section][key].parse_setting(
        _toml_value_from_text(field, text), Location("", field.label)
    )
    return value


def _toml_value_from_text(field: FormField, text: str) -> Any:
    """Return the typed text as a value that TOML can hold."""
    match field.kind:
        case "columns":
            columns = [int(c) if c.isdigit() else c for c in map(str.strip, text.split(",")) if c]
            return columns[0] if len(columns) == 1 else columns
        case "labels":
            return [] if text == "none" else split_at_commas(text)
        case "names":
            return _parse_label_names(text)
        case "share or file" | "duration" | "text" | "file":
            return text
        case _:
            return _parse_setting_text(field, text)


def split_at_commas(text: str) -> list[str]:
    """Split at commas and strip the entries; empty ones are dropped."""
    return [entry for entry in map(str.strip, text.split(",")) if entry]


def _parse_label_names(text: str) -> list[str] | dict[str, str]:
    """Parse names in order, or LABEL=NAME pairs."""
    entries = split_at_commas(text)
    if not all("=" in entry for entry in entries):
        return entries
    pairs = (entry.partition("=") for entry in entries)
    return {label.strip(): name.strip() for label, _, name in pairs}


def _parse_setting_text(field: FormField, text: str) -> Any:
    words = tuple(word for word in field.words if isinstance(word, str))
    if text in ("true", "false") and any(word is True for word in field.words):
        return text == "true"
    if field.kind == "word" and not field.integer:
        return setting_to_plain_value(_parse_word_choices(text))
    setting = parse_setting(text, Grammar(field.integer, words))
    if isinstance(setting, Range | Choices) and not field.is_searchable:
        raise TunerError(f"{field.label} cannot be searched: type one value")
    return setting_to_plain_value(setting)


def _parse_word_choices(text: str) -> Setting:
    """Parse a word or {words}; the recipe's reader checks which ones are valid."""
    if text.startswith("{") and text.endswith("}"):
        words = tuple(dict.fromkeys(w.strip() for w in text[1:-1].split(",") if w.strip()))
        return Choices(words) if len(words) > 1 else "".join(words)
    return text


def field_value_text(field: FormField, value: FieldValue) -> str:
    """Return a value in the form in which it is typed."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{label}={name}" for label, name in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(column) for column in value) or "none"
    if field.kind == "duration" and isinstance(value, int | float):
        return format_typed_duration(value)
    return format_typed_setting(value)


def displayed_value_text(field: FormField, value: FieldValue) -> tuple[str, str]:
    """Return a value as the form shows it, and one word for how it is chosen."""
    if isinstance(value, Range):
        ends = f"{format_typed_value(value.low)} … {format_typed_value(value.high)}"
        return ends, "log" if value.scale == "log" else "uniform"
    if isinstance(value, Choices):
        return "{" + ", ".join(format_typed_value(entry) for entry in value.values) + "}", "choice"
    if isinstance(value, tuple) and field.kind == "columns":
        return " + ".join(str(column) for column in value), ""
    if isinstance(value, float) and field.kind != "duration":
        return format_number(value), "fixed" if field.is_searchable else ""
    return field_value_text(field, value) or "—", "fixed" if field.is_searchable else ""


def next_field_word(field: FormField, value: FieldValue, direction: int) -> Scalar | None:
    """Return the word after (+1) or before (-1) the current one, cyclically; None without words."""
    if not field.words:
        return None
    if isinstance(value, str | int | float) and value in field.words:
        position = field.words.index(value) + direction
        return field.words[position % len(field.words)]
    return field.words[0 if direction > 0 else -1]


def toggle_searched(
    field: FormField, value: FieldValue, before: Mapping[str, FieldValue]
) -> FieldValue:
    """Search a fixed value (in the range it had before, if any), or fix a searched one."""
    if not field.is_searchable:
        raise TunerError(f"{field.label} cannot be searched: enter types a value")
    if isinstance(value, Range | Choices):
        return fix_setting(value)
    return before.get(field.key, field.usual)

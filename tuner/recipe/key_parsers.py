"""Parsers of the keys that hold more than a number or one of a few words."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.field_parsers import (
    Location,
    integer_parser,
    number_parser,
    parse_if_number,
    parse_text,
    value_parser,
    word_parser,
)
from tuner.recipe.layers import parse_layer_expression
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.types import FROZEN

METRICS = ("accuracy", "f1_macro", "mcc", "loss")
PARTS = ("embeddings", "layers", "pooler", "head")
PER_TRIAL = "per-trial"
MAX_SEED = 2**32 - 1
_ENCODINGS = ("utf-8", "cp1252", "latin-1", "utf-16", "gb18030", "big5", "shift_jis", "euc_kr",
              "cp1250", "cp1251", "koi8_r")  # fmt: skip
_METRIC_ALIASES = {
    "acc": "accuracy",
    "macro_f1": "f1_macro",
    "macro-f1": "f1_macro",
    "f1-macro": "f1_macro",
    "matthews": "mcc",
    "matthews_correlation": "mcc",
    "eval_loss": "loss",
}
_PART_ALIASES = {"classifier": "head", "encoder": "layers", "body": "layers"}


@value_parser('"accuracy", "f1_macro", "mcc", "loss" or "f1.LABEL"')
def parse_metric(value: Any, location: Location) -> str:
    if value == "f1":
        raise location.error(
            '"f1" of what? write "f1_macro", or "f1.LABEL" for the F1 of one label'
        )
    if isinstance(value, str) and value.startswith("f1.") and len(value) > len("f1."):
        return value
    if isinstance(value, str) and value not in METRICS:
        hint = spelling_hint(value, METRICS, _METRIC_ALIASES)
        raise location.error(
            f'{quote_value(value)} is not known; {hint} ("f1.LABEL" is the F1 of one label)'
        )
    return str(word_parser(METRICS)(value, location))


@value_parser("a column's name, or its number from 0 in a file without header")
def parse_column(value: Any, location: Location) -> str | int:
    if isinstance(value, str):
        return parse_text(value, location)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise parse_column.refusal(value, location)


@value_parser("one column or two different ones")
def parse_columns(value: Any, location: Location) -> tuple[str | int, ...]:
    if not isinstance(value, list | tuple):
        return (parse_column(value, location),)
    columns = tuple(parse_column(entry, location) for entry in value)
    if len(columns) not in (1, 2) or len(set(columns)) != len(columns):
        raise parse_columns.refusal(list(value), location)
    return columns


@value_parser("a file, or a share of the training rows between 0 and 1")
def parse_validation(value: Any, location: Location) -> str | float:
    value = parse_if_number(value)
    if isinstance(value, str):
        return parse_text(value, location)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise parse_validation.refusal(value, location)


_SEPARATORS = {
    "comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "pipe": "|", "space": " ", "blank": " "
}  # fmt: skip


@value_parser(
    'the character between columns, such as ";" or "tab" '
    '("space" separates the label from the text of a line)'
)
def parse_separator(value: Any, location: Location) -> str:
    written = _SEPARATORS.get(value, value) if isinstance(value, str) else ""
    written = "\t" if written == "\\t" else written
    if len(written) != 1 or written in '"\r\n' or written.isalnum():
        raise parse_separator.refusal(value, location)
    return written


@value_parser(
    'true (around fields), false (plain characters) or "backslash" '
    "(around fields, those inside with a backslash)"
)
def parse_quotes(value: Any, location: Location) -> bool | str:
    if isinstance(value, bool) or value == "backslash":
        return value if isinstance(value, bool) else "backslash"
    raise parse_quotes.refusal(value, location)


@value_parser("a text encoding")
def parse_encoding(value: Any, location: Location) -> str:
    name = parse_text(value, location)
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError):
        hint = spelling_hint(name, _ENCODINGS)
        raise location.error(f"{quote_value(name)} is not a text encoding; {hint}") from None
    return codec.name


@value_parser('a list of labels such as [-1, ""]')
def parse_label_list(value: Any, location: Location) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    wrong = [entry for entry in listed if not isinstance(entry, str | int | float)]
    if wrong:
        raise parse_label_list.refusal(value, location)
    return tuple(_label_as_text(entry) for entry in listed)


def _label_as_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@value_parser('a list such as ["World", "Sports"], or a table such as { 0 = "World" }')
def parse_label_names(value: Any, location: Location) -> tuple[str, ...] | dict[str, str]:
    if isinstance(value, Mapping) and value:
        return {
            str(label): parse_text(name, location.join_key(str(label)))
            for label, name in value.items()
        }
    if isinstance(value, list | tuple) and value:
        return tuple(parse_text(name, location) for name in value)
    raise parse_label_names.refusal(value, location)


@value_parser(f"a whole number of at least 0 or {quote_value(PER_TRIAL)}")
def parse_seed(value: Any, location: Location) -> int | str:
    value = parse_if_number(value)
    if isinstance(value, str) and value != PER_TRIAL:
        raise parse_seed.refusal(value, location)
    return value if isinstance(value, str) else int(integer_parser(0, MAX_SEED)(value, location))


@value_parser('a whole number of at least 1 or "auto"')
def parse_slots(value: Any, location: Location) -> int | str:
    value = parse_if_number(value)
    if isinstance(value, str) and value != "auto":
        raise parse_slots.refusal(value, location)
    return value if isinstance(value, str) else int(integer_parser(1, 64)(value, location))


@value_parser('"auto", "off" or a whole number of evaluations, at least 2')
def parse_collapse(value: Any, location: Location) -> int | str:
    if isinstance(value, bool):
        value = "auto" if value else "off"
    if isinstance(value, str) and value not in ("auto", "off"):
        raise parse_collapse.refusal(value, location)
    return value if isinstance(value, str) else int(integer_parser(2)(value, location))


@value_parser(f"a number of at least 0, or {quote_value(FROZEN)}")
def parse_rate(value: Any, location: Location) -> float | str:
    if isinstance(value, str):
        if value != FROZEN and spelling_hint(value, [FROZEN]).startswith("did"):
            raise location.error(
                f"{quote_value(value)} is not known; did you mean {quote_value(FROZEN)}?"
            )
        if value == FROZEN:
            return FROZEN
    try:
        return float(number_parser(0)(value, location))
    except TunerError as error:
        raise TunerError(
            f"{error}; a learning rate is a number, {quote_value(FROZEN)}, or a range "
            "{ low, high }"
            if not isinstance(value, int | float)
            else str(error)
        ) from None


@value_parser('"embeddings", "layers", "pooler" or "head", or a list of different ones')
def parse_parts(value: Any, location: Location) -> str | tuple[str, ...]:
    parse_part = word_parser(PARTS, _PART_ALIASES)
    if not isinstance(value, list | tuple):
        return str(parse_part(value, location))
    if not value or len(set(map(str, value))) != len(value):
        raise parse_parts.refusal(list(value), location)
    return tuple(str(parse_part(entry, location)) for entry in value)


@value_parser('a layer expression such as "0-5", "3", "0-2,9" or "2/4"')
def parse_layers(value: Any, location: Location) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    expression = parse_text(value, location)
    try:
        parse_layer_expression(expression)
    except TunerError as error:
        raise location.error(str(error)) from None
    return expression


@value_parser("a list of parameter names or globs")
def parse_patterns(value: Any, location: Location) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        raise parse_patterns.refusal(value, location)
    return tuple(parse_text(entry, location) for entry in listed)


_FORBIDDEN = ".=<>\"'"


@value_parser("text of at most 60 characters")
def parse_group_name(value: Any, location: Location) -> str:
    """Check a group's name: as a part of names such as lr.NAME it cannot have every character."""
    name = parse_text(value, location)
    wrong = next((c for c in name if c in _FORBIDDEN or not c.isprintable()), None)
    if wrong is not None:
        raise location.error(
            f"a group's name cannot contain {quote_value(wrong)}: {quote_value(name)}"
        )
    if name != name.strip() or len(name) > 60:
        raise location.error(
            f"must have at most 60 characters and no blanks at either end: {quote_value(name)}"
        )
    return name

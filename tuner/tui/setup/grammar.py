"""The grammar of values typed into the setup screen, as pure functions.

3    1e-5          fixed
1e-5..4e-5         searched between the two ("…" and "to" do as well)
1e-5..4e-5 log     on a logarithmic scale; "lin" for a uniform one
{16,32}            searched among these
log   lin          the scale of the range that is there
fix   freeze       a rate's middle; no training at all (learning rates only)
like NAME          tied to another group's rate, also times as much: like NAME x 1..100
decay 0.8..1       falling from layer to layer; "decay no" takes that away
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.recipe.nearest import nearest_spelling
from tuner.recipe.numbers import (
    SCALE_WORDS,
    format_typed_number,
    parse_number_text,
    split_off_scale,
    split_range_ends,
)
from tuner.recipe.types import FROZEN, Choices, Range, Scalar, Scale, Setting, TiedRate
from tuner.results.format import sanitize_text
from tuner.tui.setup.range_steps import fix_setting

FREEZE = ("freeze", "frozen")
FIX = "fix"
TIE = re.compile(r"like\s+(.+?)(?:\s+[x×*]\s*([^x×*]+))?", re.IGNORECASE)
DECAY = re.compile(r"(?:decay|ξ)\s*(.*)", re.IGNORECASE)
RATE_EXAMPLE = "like 1e-5, 1e-5..4e-5, log, lin, fix or freeze"


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a field takes: whole numbers only, or words beside numbers, and its usual scale."""

    integer: bool = False
    words: tuple[str, ...] = ()
    scale: Scale = "linear"
    example: str = "like 3, 2..10 or {16,32}"


def parse_learning_rate(text: str, current: Setting) -> Setting:
    """Parse a learning rate; `current` is what "log", "lin" and "fix" change.

    Raises TunerError with an example where the text is not valid.
    """
    word = text.strip().lower()
    if word in FREEZE:
        return FROZEN
    if word == FIX:
        return fix_setting(current)
    if word in SCALE_WORDS:
        return change_range_scale(current, SCALE_WORDS[word])
    scale = current.scale if isinstance(current, Range) else "log"
    body, typed_scale = split_off_scale(text)
    ends = split_range_ends(body)
    if typed_scale is None and len(ends) > 1 and parse_number_text(ends[0]) == 0:
        scale = "linear"
    setting = parse_setting(text, Grammar(scale=scale, example=RATE_EXAMPLE))
    _refuse_useless_rates(setting)
    return setting


def parse_tied_rate(text: str) -> TiedRate | None:
    """Parse “like NAME” or “like NAME x 1..100”; None for other texts. Raises TunerError."""
    match = TIE.fullmatch(text.strip())
    if match is None:
        return None
    name, factor = match.groups()
    example = "like 3 or 1..100"
    times = parse_setting(factor, Grammar(scale="log", example=example)) if factor else 1.0
    if min(numbers_in_setting(times)) <= 0:
        raise TunerError("the factor of a tied rate must be above 0")
    return TiedRate(name.strip(), times)


def parse_layer_decay(text: str) -> tuple[Setting | None] | None:
    """Parse “decay 0.9”, “decay 0.8..1” or, for no decay, “decay no”; None for other texts."""
    match = DECAY.fullmatch(text.strip())
    if match is None:
        return None
    if match[1].lower() in ("no", "none", "off", ""):
        return (None,)
    decay = parse_setting(match[1], Grammar(example="like 0.9 or 0.8..1"))
    if min(numbers_in_setting(decay)) <= 0 or max(numbers_in_setting(decay)) > 1:
        raise TunerError("a layer decay must be above 0 and at most 1, such as 0.9 or 0.8..1")
    return (decay,)


def parse_setting(text: str, grammar: Grammar) -> Setting:
    """Parse a number, a word of the grammar, a range or a choice. Raises TunerError."""
    body, typed_scale = split_off_scale(text)
    if not body:
        raise TunerError(f"nothing typed: type something {grammar.example}")
    if body.startswith("{") or body.endswith("}"):
        return _parse_choices(body, grammar)
    ends = split_range_ends(body)
    if len(ends) == 1:
        return parse_scalar(body, grammar)
    if len(ends) > 2 or not all(ends):
        raise TunerError(f"{quote_input(body)} is not a range: type low..high, {grammar.example}")
    low, high = (parse_number(end, grammar) for end in ends)
    if grammar.integer:
        low, high = int(low), int(high)
    return validate_range(Range(low, high, typed_scale or grammar.scale, grammar.integer))


def _parse_choices(body: str, grammar: Grammar) -> Setting:
    if not (body.startswith("{") and body.endswith("}")):
        raise TunerError("a choice needs both braces, such as {16,32}")
    parts = [part.strip() for part in body[1:-1].split(",") if part.strip()]
    values = tuple(dict.fromkeys(parse_scalar(part, grammar) for part in parts))
    if not values:
        raise TunerError(f"no values between the braces: type something {grammar.example}")
    return values[0] if len(values) == 1 else Choices(values)


def parse_scalar(text: str, grammar: Grammar) -> Scalar:
    """Parse a number or one of the grammar's words. Raises TunerError with the nearest word."""
    if text in grammar.words:
        return text
    if grammar.words and parse_number_text(text) is None:
        suggestion = spelling_suggestion(text, grammar.words)
        raise TunerError(
            f"{quote_input(text)} is not one of {', '.join(grammar.words)}{suggestion}"
        )
    value = parse_number(text, grammar)
    return int(value) if grammar.integer else value


def parse_number(text: str, grammar: Grammar) -> float:
    """Parse a number; TunerError where it is not one, or not an integer where that is needed."""
    value = parse_number_text(text)
    if value is None:
        known_words = (*FREEZE[:1], FIX, "log", "lin") if grammar.example is RATE_EXAMPLE else ()
        suggestion = spelling_suggestion(text, known_words)
        raise TunerError(f"{quote_input(text)} is not a number{suggestion}: {grammar.example}")
    if grammar.integer and not isinstance(value, int):
        raise TunerError(f"{quote_input(text)} is not a whole number")
    return float(value)


def quote_input(text: str) -> str:
    return f"“{sanitize_text(text)}”"


def spelling_suggestion(text: str, words: Iterable[str]) -> str:
    """Return “ (did you mean …?)”, or nothing where no spelling is near."""
    match = nearest_spelling(text, words)
    return f" (did you mean {match}?)" if match else ""


def validate_range(setting: Range) -> Range:
    """Return the range, or raise TunerError where its ends and its scale do not fit."""
    low, high = format_typed_number(setting.low), format_typed_number(setting.high)
    if setting.low == setting.high:
        raise TunerError(f"low and high are both {low}: type {low} alone to fix it")
    if setting.low > setting.high:
        raise TunerError(f"low ({low}) is above high ({high})")
    if setting.scale == "log" and setting.low <= 0:
        raise TunerError(
            f"a logarithmic range must start above 0, not at {low}: lin makes it uniform"
        )
    return setting


def change_range_scale(current: Setting, scale: Scale) -> Range:
    """Return the range with another scale; TunerError where there is no range."""
    if not isinstance(current, Range):
        raise TunerError("there is no range to put on a scale: type one, like 1e-5..4e-5 log")
    return validate_range(Range(current.low, current.high, scale, current.integer))


def _refuse_useless_rates(setting: Setting) -> None:
    for rate in numbers_in_setting(setting):
        if rate < 0:
            raise TunerError(f"a learning rate cannot be negative ({format_typed_number(rate)})")
        if rate > 1:
            raise TunerError(
                f"{format_typed_number(rate)} is far above any useful rate (at most 1)"
            )


def numbers_in_setting(setting: Setting) -> tuple[float, ...]:
    if isinstance(setting, Range):
        return (setting.low, setting.high)
    values = setting.values if isinstance(setting, Choices) else (setting,)
    return tuple(float(v) for v in values if isinstance(v, int | float))

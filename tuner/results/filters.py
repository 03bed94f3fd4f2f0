"""The filter language: `state:pruned accuracy>0.78 lr.head<1e-3 9,12`.

A blank is "and", `!` before a term is "not". A name or value with blanks goes in quotes, or has `_`
for each of them: `"lr.layers 0-5"<1e-5`, `lr.layers_0-5<1e-5`. `is:pruned` says the same as
`state:pruned`; `is:best` and `is:marked` are known to callers that pass flags for them. What a
trial has beside settings and metrics goes by its name: `gen:1 origin:baseline epoch>=3 time<600`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value, spelling_hint

STATES = ("waiting", "running", "paused", "complete", "pruned", "collapsed", "failed")
_STATE_ALIASES = {
    "done": "complete",
    "finished": "complete",
    "error": "failed",
    "queued": "waiting",
}
_NAME_ALIASES = {
    "acc": "accuracy",
    "f1": "f1_macro",
    "wd": "weight_decay",
    "#": "number",
    "gen": "generation",
    "time": "seconds",
}
_TRIAL_FIELDS = (
    "number",
    "value",
    "generation",
    "origin",
    "seed",
    "epoch",
    "seconds",
    "memory",
    "attempts",
)
"""What is looked up on the trial itself."""
_TRIAL_FIELD_SET = frozenset(_TRIAL_FIELDS)
_NUMERIC = frozenset({int, float})
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TERM = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
_COMPARISON = re.compile(r"""("[^"]*"|'[^']*'|[^<>=!:"']+)(<=|>=|!=|==|<|>|=|:)(.*)""")
_NUMBERS = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*,?")


class Evaluation(Protocol):
    """One evaluation's metrics by name."""

    @property
    def metrics(self) -> Mapping[str, float]: ...


class Trial(Protocol):
    """What the filter looks at; `session.view.TrialView` has it."""

    @property
    def number(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def origin(self) -> str: ...
    @property
    def fixed(self) -> Mapping[str, Any]: ...
    @property
    def value(self) -> float | None: ...
    @property
    def one_label(self) -> bool: ...
    @property
    def evaluations(self) -> Sequence[Evaluation]: ...


Predicate = Callable[[Trial], bool]
Flags = Mapping[str, Predicate]


def parse_filter(
    text: str, names: Sequence[str] | None = None, flags: Flags | None = None
) -> Predicate:
    """Parse a filter into a predicate on trials. A blank filter matches all.

    `names`, if given, are the only names that may be compared (beside what every trial has and the
    metrics' short names); `flags` is what may follow `is:` beside states. A trial that lacks a
    compared name does not match that term. Raises TunerError, in one line, if the text is not a
    filter.
    """
    if len(re.findall(r"[\"']", text)) % 2:
        raise TunerError(f"filter: unclosed quote in {quote_value(text)}")
    terms = [_parse_term(term, names, flags or {}) for term in _TERM.findall(text)]
    if len(terms) == 1:
        return terms[0]

    def matches_every_term(trial: Trial) -> bool:
        for term in terms:  # noqa: SIM110  # ten thousand trials at every key: a generator costs
            if not term(trial):
                return False
        return True

    return matches_every_term


def _parse_term(term: str, names: Sequence[str] | None, flags: Flags) -> Predicate:
    if term.startswith("!"):
        if len(term) == 1:
            raise TunerError('filter: "!" needs a term right after it, such as !state:pruned')
        inner = _parse_term(term[1:], names, flags)
        return lambda trial: not inner(trial)
    if _NUMBERS.fullmatch(term):
        return _parse_trial_numbers(term)
    match = _COMPARISON.fullmatch(term)
    if match is None:
        raise TunerError(
            f"filter: {quote_value(term)} is not a term; write state:pruned, accuracy>0.78 or 9,12"
        )
    name, sign, value = _strip_quotes(match[1]), match[2], _strip_quotes(match[3])
    if not value:
        raise TunerError(f"filter: {quote_value(term)} lacks a value")
    if name == "is":
        return _parse_flag_term(sign, value, flags)
    if name == "state":
        return _parse_state_term(sign, value)
    return _parse_comparison(_resolve_value_name(name, names), ":=" if sign == ":" else sign, value)


def _parse_trial_numbers(term: str) -> Predicate:
    """Match trials by number: 9,12 and 3-7."""
    spans = [part.partition("-")[::2] for part in term.split(",") if part]
    bounds = [(int(first), int(last or first)) for first, last in spans]
    return lambda trial: any(first <= trial.number <= last for first, last in bounds)


def _parse_flag_term(sign: str, value: str, flags: Flags) -> Predicate:
    if sign not in (":", "=", "=="):
        raise TunerError(f"filter: write is:{value}, or !is:{value}")
    if value.casefold() in flags:
        return flags[value.casefold()]
    try:
        return _parse_state_term(":", value)
    except TunerError:
        hint = spelling_hint(value, [*flags, *STATES], _STATE_ALIASES)
        raise TunerError(f"filter: no trial is {quote_value(value)}; {hint}") from None


def _parse_state_term(sign: str, value: str) -> Predicate:
    if sign not in (":", "=", "==", "!="):
        raise TunerError(f"filter: states have no order; write state:{value}")
    state_names = {_resolve_state_name(part) for part in value.split(",") if part}
    differs = sign == "!="
    return lambda trial: (str(trial.state) in state_names) != differs


def _resolve_state_name(word: str) -> str:
    folded = word.casefold()
    begun = [state for state in STATES if state.startswith(folded)]
    if len(begun) == 1:
        return begun[0]
    if folded in _STATE_ALIASES:
        return _STATE_ALIASES[folded]
    raise TunerError(
        f"filter: unknown state {quote_value(word)}; {spelling_hint(word, STATES, _STATE_ALIASES)}"
    )


def _resolve_value_name(name: str, names: Sequence[str] | None) -> str:
    meant = _NAME_ALIASES.get(name.casefold(), name)
    if names is None or _fold_name(meant) in map(_fold_name, (*names, *_TRIAL_FIELDS)):
        return meant
    valid = [*names, *_TRIAL_FIELDS, "state", "is"]
    aliases = {alias: meant for alias, meant in _NAME_ALIASES.items() if meant in valid}
    hint = spelling_hint(name, [*valid, *aliases])
    raise TunerError(f"filter: unknown name {quote_value(name)}; {hint}")


def _parse_comparison(name: str, sign: str, value: str) -> Predicate:
    operand = _parse_operand(value)
    if sign in _ORDERED:
        if not isinstance(operand, float):
            raise TunerError(
                f"filter: {quote_value(value)} is not a number, so it cannot be compared by {sign}"
            )
        order, limit = _ORDERED[sign], operand
        return lambda trial: (
            type(trial_value := lookup_trial_value(trial, name)) in _NUMERIC
            and order(trial_value, limit)
        )
    differs = sign == "!="

    def matches_value(trial: Trial) -> bool:
        trial_value = lookup_trial_value(trial, name)
        return trial_value is not None and _equals_operand(trial_value, operand) != differs

    return matches_value


def lookup_trial_value(trial: Trial, name: str) -> Any:
    """Return a trial's own field, its setting or its latest metric by name; None without one."""
    if name in _TRIAL_FIELD_SET:
        return getattr(trial, name, None)
    latest = trial.evaluations[-1].metrics if trial.evaluations else {}
    sources = (trial.params, trial.fixed, latest)
    for values in sources:
        if name in values:
            return values[name]
    folded_name = _fold_name(name)
    for values in sources:
        for key in values:
            if _fold_name(key) == folded_name:
                return values[key]
    return None


def _equals_operand(trial_value: Any, operand: float | str) -> bool:
    if _is_number(trial_value):
        return bool(trial_value == operand)
    return str(trial_value).casefold() == str(operand).casefold()


def _parse_operand(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache(maxsize=1024)
def _fold_name(name: str) -> str:
    return name.casefold().replace(" ", "_")


def _strip_quotes(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text

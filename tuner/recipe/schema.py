"""Every key of a recipe and how it is read."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.layers import parse_layers
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.readers import (
    Place,
    Rule,
    duration,
    flag,
    integer,
    known_keys,
    number,
    one_of,
    plain_number,
    text,
)
from tuner.recipe.types import FROZEN, Like

METRICS = ("accuracy", "f1_macro", "mcc", "loss")
SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random", "grid")
PRUNERS = ("halving", "median", "patient", "none")
ON_TIMEOUT = ("end", "pause", "finish")
SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16")
PARTS = ("embeddings", "layers", "pooler", "head")
SELECTORS = ("part", "layers", "params", "rest")
PER_TRIAL = "per-trial"
_ENCODINGS = ("utf-8", "cp1252", "latin-1", "utf-16", "gb18030", "big5", "shift_jis", "euc_kr",
              "cp1250", "cp1251", "koi8_r")  # fmt: skip
MAX_SEED = 2**32 - 1

_METRIC_ALIASES = {
    "acc": "accuracy",
    "macro_f1": "f1_macro",
    "macro-f1": "f1_macro",
    "f1-macro": "f1_macro",
    "matthews": "mcc",
    "matthews_correlation": "mcc",
    "eval_loss": "loss",
}
_SAMPLER_ALIASES = {"bayes": "tpe", "bayesian": "tpe", "cma-es": "cmaes", "sobol": "qmc"}
_PRUNER_ALIASES = {"hyperband": "halving", "asha": "halving", "nop": "none", "off": "none"}
_ON_TIMEOUT_ALIASES = {"stop": "end", "cut": "end", "wait": "finish", "complete": "finish"}
_PART_ALIASES = {"classifier": "head", "encoder": "layers", "body": "layers"}


def _metric(value: Any, at: Place) -> str:
    if value == "f1":
        raise at.refuse('"f1" of what? write "f1_macro", or "f1.LABEL" for the F1 of one label')
    if isinstance(value, str) and value.startswith("f1.") and len(value) > len("f1."):
        return value
    if isinstance(value, str) and value not in METRICS:
        hint = suggestion(value, METRICS, _METRIC_ALIASES)
        raise at.refuse(f'{show(value)} is not known; {hint} ("f1.LABEL" is the F1 of one label)')
    return str(one_of(METRICS)(value, at))


def _column(value: Any, at: Place) -> str | int:
    if isinstance(value, str):
        return text(value, at)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise at.refuse(
        f"must be a column's name, or its number from 0 in a file without header, not {show(value)}"
    )


def _columns(value: Any, at: Place) -> tuple[str | int, ...]:
    if not isinstance(value, list | tuple):
        return (_column(value, at),)
    columns = tuple(_column(entry, at) for entry in value)
    if len(columns) not in (1, 2) or len(set(columns)) != len(columns):
        raise at.refuse(f"must be one column or two different ones, not {show(list(value))}")
    return columns


def _validation(value: Any, at: Place) -> str | float:
    value = plain_number(value)
    if isinstance(value, str):
        return text(value, at)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise at.refuse(
        f"must be a file, or a share of the training rows between 0 and 1, not {show(value)}"
    )


_SEPARATORS = {
    "comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "pipe": "|", "space": " ", "blank": " "
}  # fmt: skip


def _separator(value: Any, at: Place) -> str:
    written = _SEPARATORS.get(value, value) if isinstance(value, str) else ""
    written = "\t" if written == "\\t" else written
    if len(written) != 1 or written in '"\r\n' or written.isalnum():
        raise at.refuse(
            'must be the character between columns, such as ";" or "tab" ("space" is what stands '
            f"between the label and the text of a line), not {show(value)}"
        )
    return written


def _quotes(value: Any, at: Place) -> bool | str:
    if isinstance(value, bool) or value == "backslash":
        return value if isinstance(value, bool) else "backslash"
    raise at.refuse(
        'must be true (around fields), false (plain characters) or "backslash" (around fields, '
        f"those inside with a backslash), not {show(value)}"
    )


def _encoding(value: Any, at: Place) -> str:
    name = text(value, at)
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError):
        hint = suggestion(name, _ENCODINGS)
        raise at.refuse(f"{show(name)} is no encoding of texts; {hint}") from None
    return codec.name


def _label_list(value: Any, at: Place) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    wrong = [entry for entry in listed if not isinstance(entry, str | int | float)]
    if wrong:
        raise at.refuse(f'must be a list of labels such as [-1, ""], not {show(value)}')
    return tuple(_label(entry) for entry in listed)


def _label(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _label_names(value: Any, at: Place) -> tuple[str, ...] | dict[str, str]:
    if isinstance(value, Mapping) and value:
        return {str(label): text(name, at.under(str(label))) for label, name in value.items()}
    if isinstance(value, list | tuple) and value:
        return tuple(text(name, at) for name in value)
    raise at.refuse(
        'must be a list such as ["World", "Sports"], or a table such as { 0 = "World" }, not '
        f"{show(value)}"
    )


def _seed(value: Any, at: Place) -> int | str:
    value = plain_number(value)
    if isinstance(value, str) and value != PER_TRIAL:
        raise at.refuse(
            f"must be a whole number of at least 0 or {show(PER_TRIAL)}, not {show(value)}"
        )
    return value if isinstance(value, str) else int(integer(0, MAX_SEED)(value, at))


def _slots(value: Any, at: Place) -> int | str:
    value = plain_number(value)
    if isinstance(value, str) and value != "auto":
        raise at.refuse(f'must be a whole number of at least 1 or "auto", not {show(value)}')
    return value if isinstance(value, str) else int(integer(1, 64)(value, at))


def _collapse(value: Any, at: Place) -> int | str:
    if isinstance(value, bool):
        value = "auto" if value else "off"
    if isinstance(value, str) and value not in ("auto", "off"):
        raise at.refuse(
            f'must be "auto", "off" or a whole number of evaluations, at least 2, not {show(value)}'
        )
    return value if isinstance(value, str) else int(integer(2)(value, at))


def _rate(value: Any, at: Place) -> float | str:
    if isinstance(value, str):
        if value != FROZEN and suggestion(value, [FROZEN]).startswith("did"):
            raise at.refuse(f"{show(value)} is not known; did you mean {show(FROZEN)}?")
        if value == FROZEN:
            return FROZEN
    try:
        return float(number(0)(value, at))
    except TunerError as error:
        raise TunerError(
            f"{error}; a learning rate is a number, {show(FROZEN)}, or a range {{ low, high }}"
            if not isinstance(value, int | float)
            else str(error)
        ) from None


def _parts(value: Any, at: Place) -> str | tuple[str, ...]:
    read = one_of(PARTS, _PART_ALIASES)
    if not isinstance(value, list | tuple):
        return str(read(value, at))
    if not value or len(set(map(str, value))) != len(value):
        raise at.refuse(f"must be one part or several different ones, not {show(list(value))}")
    return tuple(str(read(entry, at)) for entry in value)


def _layers(value: Any, at: Place) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    expression = text(value, at)
    try:
        parse_layers(expression)
    except TunerError as error:
        raise at.refuse(str(error)) from None
    return expression


def _patterns(value: Any, at: Place) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        raise at.refuse(f"must be a list of parameter names or globs, not {show(value)}")
    return tuple(text(entry, at) for entry in listed)


_FORBIDDEN = ".=<>\"'"


def group_name(value: Any, at: Place) -> str:
    """A group's name: it becomes part of names such as lr.NAME, so some characters are kept out."""
    name = text(value, at)
    wrong = next((c for c in name if c in _FORBIDDEN or not c.isprintable()), None)
    if wrong is not None:
        raise at.refuse(f"a group's name cannot have {show(wrong)} in it: {show(name)}")
    if name != name.strip() or len(name) > 60:
        raise at.refuse(
            f"must have at most 60 characters, none of them blank at an end: {show(name)}"
        )
    return name


TIMES = Rule(number(0, above=True), "number", "log")
"""By how much a rate differs from the one that it is tied to."""


class RateRule(Rule):
    """A learning rate: besides what other numbers are, it may be tied to another group's."""

    def read(self, value: Any, at: Place) -> Any:
        """As `Rule.read`, or `Like` for { like = "GROUP", times = … }."""
        if not isinstance(value, Mapping) or "like" not in value:
            return super().read(value, at)
        known_keys(value, ("like", "times"), at)
        group = group_name(value["like"], at.under("like"))
        return Like(group, TIMES.read(value.get("times", 1.0), at.under("times")))


MODEL: Mapping[str, Rule] = {
    "name": Rule(text),
    "max_length": Rule(integer(4)),
    "revision": Rule(text),
    "trust_remote_code": Rule(flag),
    "allow_pickle": Rule(flag),
}
DATA: Mapping[str, Rule] = {
    "train": Rule(text),
    "validation": Rule(_validation),
    "text": Rule(_columns),
    "label": Rule(_column),
    "test": Rule(text),
    "holdout": Rule(number(0, 1, below=True)),
    "split_seed": Rule(integer(0, MAX_SEED)),
    "quotes": Rule(_quotes),
    "separator": Rule(_separator),
    "header": Rule(flag),
    "encoding": Rule(_encoding),
    "unlabelled": Rule(_label_list),
    "merge_labels": Rule(flag),
    "label_names": Rule(_label_names),
    "root": Rule(text),
}
_share = number(0, 1)
_below_one = number(0, 1, below=True)
TRAINING: Mapping[str, Rule] = {
    "epochs": Rule(integer(1), "integer"),
    "batch_size": Rule(integer(1), "integer"),
    "accumulation": Rule(integer(1), "integer"),
    "warmup": Rule(_share, "number"),
    "weight_decay": Rule(number(0), "number"),
    "schedule": Rule(one_of(SCHEDULES), "word"),
    "label_smoothing": Rule(_below_one, "number"),
    "max_grad_norm": Rule(number(0, above=True), "number"),
    "adam_beta1": Rule(_below_one, "number"),
    "adam_beta2": Rule(_below_one, "number"),
    "adam_epsilon": Rule(number(0, above=True), "number"),
    "dropout": Rule(_below_one, "number"),
    "precision": Rule(one_of(PRECISIONS, {"fp16": "bf16", "float32": "fp32", "bfloat16": "bf16"})),
    "deterministic": Rule(flag),
    "seed": Rule(_seed),
    "evaluations_per_epoch": Rule(integer(1)),
    "keep": Rule(one_of(("best", "last"))),
    "checkpoint_seconds": Rule(number(0, above=True)),
    "silence_seconds": Rule(number(0, above=True)),
}
GROUP: Mapping[str, Rule] = {
    "name": Rule(group_name),
    "part": Rule(_parts),
    "layers": Rule(_layers),
    "params": Rule(_patterns),
    "rest": Rule(flag),
    "lr": RateRule(_rate, "number", "log"),
    "layer_decay": Rule(number(0, 1, above=True), "number"),
    "weight_decay": Rule(number(0), "number"),
}
SEARCH: Mapping[str, Rule] = {
    "metric": Rule(_metric),
    "sampler": Rule(one_of(SAMPLERS, _SAMPLER_ALIASES)),
    "pruner": Rule(one_of(PRUNERS, _PRUNER_ALIASES)),
    "trials": Rule(integer(1)),
    "time": Rule(duration),
    "on_timeout": Rule(one_of(ON_TIMEOUT, _ON_TIMEOUT_ALIASES)),
    "slots": Rule(_slots),
    "seed": Rule(integer(0, MAX_SEED)),
    "startup_trials": Rule(integer(0)),
    "collapse": Rule(_collapse),
    "first_rung": Rule(number(0, 1, above=True, below=True)),
    "reduction": Rule(integer(2)),
    "patience": Rule(integer(1)),
    "baseline": Rule(flag),
    "grid_points": Rule(integer(2)),
    "repeats": Rule(one_of(("new", "seed"))),
}
SECTIONS: Mapping[str, Mapping[str, Rule]] = {
    "model": MODEL,
    "data": DATA,
    "training": TRAINING,
    "search": SEARCH,
}
TOP_LEVEL: Sequence[str] = ("model", "data", "training", "groups", "search", "preset")
REQUIRED: Mapping[str, Mapping[str, str]] = {
    "model": {"name": 'a hub id or a folder, such as "roberta-base"'},
    "data": {
        "train": 'a file, such as "data/train.jsonl"',
        "validation": "a file, or a share of the training rows such as 0.1",
        "text": 'a column, or two such as ["premise", "hypothesis"]',
        "label": 'the column of the labels, such as "label"',
    },
}

"""Every key of a recipe and how it is parsed."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.field_parsers import (
    FieldSpec,
    Location,
    check_known_keys,
    integer_parser,
    number_parser,
    parse_boolean,
    parse_duration,
    parse_if_number,
    parse_text,
    word_parser,
)
from tuner.recipe.layers import parse_layer_expression
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.types import FROZEN, TiedRate

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


def _parse_metric(value: Any, location: Location) -> str:
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


def _parse_column(value: Any, location: Location) -> str | int:
    if isinstance(value, str):
        return parse_text(value, location)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise location.error(
        "must be a column's name, or its number from 0 in a file without header, not "
        f"{quote_value(value)}"
    )


def _parse_columns(value: Any, location: Location) -> tuple[str | int, ...]:
    if not isinstance(value, list | tuple):
        return (_parse_column(value, location),)
    columns = tuple(_parse_column(entry, location) for entry in value)
    if len(columns) not in (1, 2) or len(set(columns)) != len(columns):
        raise location.error(
            f"must be one column or two different ones, not {quote_value(list(value))}"
        )
    return columns


def _parse_validation(value: Any, location: Location) -> str | float:
    value = parse_if_number(value)
    if isinstance(value, str):
        return parse_text(value, location)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise location.error(
        f"must be a file, or a share of the training rows between 0 and 1, not {quote_value(value)}"
    )


_SEPARATORS = {
    "comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "pipe": "|", "space": " ", "blank": " "
}  # fmt: skip


def _parse_separator(value: Any, location: Location) -> str:
    written = _SEPARATORS.get(value, value) if isinstance(value, str) else ""
    written = "\t" if written == "\\t" else written
    if len(written) != 1 or written in '"\r\n' or written.isalnum():
        raise location.error(
            'must be the character between columns, such as ";" or "tab" ("space" separates '
            f"between the label and the text of a line), not {quote_value(value)}"
        )
    return written


def _parse_quotes(value: Any, location: Location) -> bool | str:
    if isinstance(value, bool) or value == "backslash":
        return value if isinstance(value, bool) else "backslash"
    raise location.error(
        'must be true (around fields), false (plain characters) or "backslash" (around fields, '
        f"those inside with a backslash), not {quote_value(value)}"
    )


def _parse_encoding(value: Any, location: Location) -> str:
    name = parse_text(value, location)
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError):
        hint = spelling_hint(name, _ENCODINGS)
        raise location.error(f"{quote_value(name)} is not a text encoding; {hint}") from None
    return codec.name


def _parse_label_list(value: Any, location: Location) -> tuple[str, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    wrong = [entry for entry in listed if not isinstance(entry, str | int | float)]
    if wrong:
        raise location.error(f'must be a list of labels such as [-1, ""], not {quote_value(value)}')
    return tuple(_label_as_text(entry) for entry in listed)


def _label_as_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse_label_names(value: Any, location: Location) -> tuple[str, ...] | dict[str, str]:
    if isinstance(value, Mapping) and value:
        return {
            str(label): parse_text(name, location.join_key(str(label)))
            for label, name in value.items()
        }
    if isinstance(value, list | tuple) and value:
        return tuple(parse_text(name, location) for name in value)
    raise location.error(
        'must be a list such as ["World", "Sports"], or a table such as { 0 = "World" }, not '
        f"{quote_value(value)}"
    )


def _parse_seed(value: Any, location: Location) -> int | str:
    value = parse_if_number(value)
    if isinstance(value, str) and value != PER_TRIAL:
        raise location.error(
            f"must be a whole number of at least 0 or {quote_value(PER_TRIAL)}, "
            f"not {quote_value(value)}"
        )
    return value if isinstance(value, str) else int(integer_parser(0, MAX_SEED)(value, location))


def _parse_slots(value: Any, location: Location) -> int | str:
    value = parse_if_number(value)
    if isinstance(value, str) and value != "auto":
        raise location.error(
            f'must be a whole number of at least 1 or "auto", not {quote_value(value)}'
        )
    return value if isinstance(value, str) else int(integer_parser(1, 64)(value, location))


def _parse_collapse(value: Any, location: Location) -> int | str:
    if isinstance(value, bool):
        value = "auto" if value else "off"
    if isinstance(value, str) and value not in ("auto", "off"):
        raise location.error(
            'must be "auto", "off" or a whole number of evaluations, at least 2, not '
            f"{quote_value(value)}"
        )
    return value if isinstance(value, str) else int(integer_parser(2)(value, location))


def _parse_rate(value: Any, location: Location) -> float | str:
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


def _parse_parts(value: Any, location: Location) -> str | tuple[str, ...]:
    parse_part = word_parser(PARTS, _PART_ALIASES)
    if not isinstance(value, list | tuple):
        return str(parse_part(value, location))
    if not value or len(set(map(str, value))) != len(value):
        raise location.error(
            f"must be one part or several different ones, not {quote_value(list(value))}"
        )
    return tuple(str(parse_part(entry, location)) for entry in value)


def _parse_layers(value: Any, location: Location) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    expression = parse_text(value, location)
    try:
        parse_layer_expression(expression)
    except TunerError as error:
        raise location.error(str(error)) from None
    return expression


def _parse_patterns(value: Any, location: Location) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        raise location.error(
            f"must be a list of parameter names or globs, not {quote_value(value)}"
        )
    return tuple(parse_text(entry, location) for entry in listed)


_FORBIDDEN = ".=<>\"'"


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


TIMES = FieldSpec(number_parser(0, above=True), "number", "log")
"""By how much a rate differs from the one that it is tied to."""


class RateFieldSpec(FieldSpec):
    """A learning rate: besides what other numbers can be, it may be tied to another group's."""

    def parse_setting(self, value: Any, location: Location) -> Any:
        """Parse as `FieldSpec.parse_setting`, or a tie { like = "GROUP", times = … }."""
        if not isinstance(value, Mapping) or "like" not in value:
            return super().parse_setting(value, location)
        check_known_keys(value, ("like", "times"), location)
        group = parse_group_name(value["like"], location.join_key("like"))
        return TiedRate(
            group, TIMES.parse_setting(value.get("times", 1.0), location.join_key("times"))
        )


MODEL: Mapping[str, FieldSpec] = {
    "name": FieldSpec(parse_text),
    "max_length": FieldSpec(integer_parser(4)),
    "revision": FieldSpec(parse_text),
    "trust_remote_code": FieldSpec(parse_boolean),
    "allow_pickle": FieldSpec(parse_boolean),
}
DATA: Mapping[str, FieldSpec] = {
    "train": FieldSpec(parse_text),
    "validation": FieldSpec(_parse_validation),
    "text": FieldSpec(_parse_columns),
    "label": FieldSpec(_parse_column),
    "test": FieldSpec(parse_text),
    "holdout": FieldSpec(number_parser(0, 1, below=True)),
    "split_seed": FieldSpec(integer_parser(0, MAX_SEED)),
    "quotes": FieldSpec(_parse_quotes),
    "separator": FieldSpec(_parse_separator),
    "header": FieldSpec(parse_boolean),
    "encoding": FieldSpec(_parse_encoding),
    "unlabelled": FieldSpec(_parse_label_list),
    "merge_labels": FieldSpec(parse_boolean),
    "label_names": FieldSpec(_parse_label_names),
    "root": FieldSpec(parse_text),
}
_share_parser = number_parser(0, 1)
_below_one_parser = number_parser(0, 1, below=True)
TRAINING: Mapping[str, FieldSpec] = {
    "epochs": FieldSpec(integer_parser(1), "integer"),
    "batch_size": FieldSpec(integer_parser(1), "integer"),
    "accumulation": FieldSpec(integer_parser(1), "integer"),
    "warmup": FieldSpec(_share_parser, "number"),
    "weight_decay": FieldSpec(number_parser(0), "number"),
    "schedule": FieldSpec(word_parser(SCHEDULES), "word"),
    "label_smoothing": FieldSpec(_below_one_parser, "number"),
    "max_grad_norm": FieldSpec(number_parser(0, above=True), "number"),
    "adam_beta1": FieldSpec(_below_one_parser, "number"),
    "adam_beta2": FieldSpec(_below_one_parser, "number"),
    "adam_epsilon": FieldSpec(number_parser(0, above=True), "number"),
    "dropout": FieldSpec(_below_one_parser, "number"),
    "precision": FieldSpec(
        word_parser(PRECISIONS, {"fp16": "bf16", "float32": "fp32", "bfloat16": "bf16"})
    ),
    "deterministic": FieldSpec(parse_boolean),
    "seed": FieldSpec(_parse_seed),
    "evaluations_per_epoch": FieldSpec(integer_parser(1)),
    "keep": FieldSpec(word_parser(("best", "last"))),
    "checkpoint_seconds": FieldSpec(number_parser(0, above=True)),
    "silence_seconds": FieldSpec(number_parser(0, above=True)),
}
GROUP: Mapping[str, FieldSpec] = {
    "name": FieldSpec(parse_group_name),
    "part": FieldSpec(_parse_parts),
    "layers": FieldSpec(_parse_layers),
    "params": FieldSpec(_parse_patterns),
    "rest": FieldSpec(parse_boolean),
    "lr": RateFieldSpec(_parse_rate, "number", "log"),
    "layer_decay": FieldSpec(number_parser(0, 1, above=True), "number"),
    "weight_decay": FieldSpec(number_parser(0), "number"),
}
SEARCH: Mapping[str, FieldSpec] = {
    "metric": FieldSpec(_parse_metric),
    "sampler": FieldSpec(word_parser(SAMPLERS, _SAMPLER_ALIASES)),
    "pruner": FieldSpec(word_parser(PRUNERS, _PRUNER_ALIASES)),
    "trials": FieldSpec(integer_parser(1)),
    "time": FieldSpec(parse_duration),
    "on_timeout": FieldSpec(word_parser(ON_TIMEOUT, _ON_TIMEOUT_ALIASES)),
    "slots": FieldSpec(_parse_slots),
    "seed": FieldSpec(integer_parser(0, MAX_SEED)),
    "startup_trials": FieldSpec(integer_parser(0)),
    "collapse": FieldSpec(_parse_collapse),
    "first_rung": FieldSpec(number_parser(0, 1, above=True, below=True)),
    "reduction": FieldSpec(integer_parser(2)),
    "patience": FieldSpec(integer_parser(1)),
    "baseline": FieldSpec(parse_boolean),
    "grid_points": FieldSpec(integer_parser(2)),
    "repeats": FieldSpec(word_parser(("new", "seed"))),
}
SECTIONS: Mapping[str, Mapping[str, FieldSpec]] = {
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

"""Every key of a recipe: how it is parsed and what it means. docs/recipe.md is made from this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.recipe.field_parsers import (
    FieldSpec,
    Location,
    check_known_keys,
    integer_parser,
    number_parser,
    parse_boolean,
    parse_duration,
    parse_text,
    word_parser,
)
from tuner.recipe.key_parsers import (
    MAX_SEED,
    parse_collapse,
    parse_column,
    parse_columns,
    parse_encoding,
    parse_group_name,
    parse_label_list,
    parse_label_names,
    parse_layers,
    parse_metric,
    parse_parts,
    parse_patterns,
    parse_quotes,
    parse_rate,
    parse_seed,
    parse_separator,
    parse_slots,
    parse_validation,
)
from tuner.recipe.types import TiedRate

SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random", "grid")
PRUNERS = ("halving", "median", "patient", "none")
ON_TIMEOUT = ("end", "pause", "finish")
SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16")
KERNELS = ("auto", "torch")
SELECTORS = ("part", "layers", "params", "rest")

_SAMPLER_ALIASES = {"bayes": "tpe", "bayesian": "tpe", "cma-es": "cmaes", "sobol": "qmc"}
_PRUNER_ALIASES = {"hyperband": "halving", "asha": "halving", "nop": "none", "off": "none"}
_ON_TIMEOUT_ALIASES = {"stop": "end", "cut": "end", "wait": "finish", "complete": "finish"}


TIMES = FieldSpec(
    number_parser(0, above=True),
    "how many times as high as the rate it is tied to",
    "number",
    "log",
)


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
    "name": FieldSpec(parse_text, "a model's id on the hub, or a folder"),
    "max_length": FieldSpec(
        integer_parser(4), "tokens that a text or pair is cut to, special ones included"
    ),
    "revision": FieldSpec(parse_text, "branch, tag or commit on the hub"),
    "trust_remote_code": FieldSpec(parse_boolean, "run code that comes with the model"),
    "allow_pickle": FieldSpec(
        parse_boolean, "load weights that are not safetensors; such files can run code"
    ),
}
DATA: Mapping[str, FieldSpec] = {
    "train": FieldSpec(parse_text, "a file of rows, or `hub:NAME[:CONFIG]:SPLIT`; see below"),
    "validation": FieldSpec(
        parse_validation, 'the same, or a share of the training rows such as 0.1 or "10%"'
    ),
    "text": FieldSpec(parse_columns, 'a column, or two: `["premise", "hypothesis"]`'),
    "label": FieldSpec(parse_column, "the label's column"),
    "test": FieldSpec(
        parse_text,
        "rows that stay sealed until `tuner test`; may be set or replaced until then, even "
        "with trials",
    ),
    "holdout": FieldSpec(
        number_parser(0, 1, below=True), "share of validation to seal as test instead"
    ),
    "split_seed": FieldSpec(integer_parser(0, MAX_SEED), "decides which rows are set aside"),
    "quotes": FieldSpec(parse_quotes, "what quotation marks mean in files of rows"),
    "separator": FieldSpec(
        parse_separator, 'between the columns of a row; also "comma", "semicolon" and "bar"'
    ),
    "header": FieldSpec(parse_boolean, "whether the first row holds names"),
    "encoding": FieldSpec(
        parse_encoding, 'such as "cp1252": of files that are not UTF-8 and have no byte order mark'
    ),
    "unlabelled": FieldSpec(
        parse_label_list, "labels that mean none: such rows are left out; `[]` takes −1 for a label"
    ),
    "merge_labels": FieldSpec(
        parse_boolean, "labels that differ in case, blanks or Unicode form only are one"
    ),
    "label_names": FieldSpec(
        parse_label_names,
        "names for labels: a list for 0 and 1 (or 1 and 2), or a table; matrices, `best/` and "
        "predictions use them",
    ),
    "root": FieldSpec(
        parse_text, "the folder that relative files are in; `tuner new` writes the one it ran in"
    ),
}
_share_parser = number_parser(0, 1)
_below_one_parser = number_parser(0, 1, below=True)
TRAINING: Mapping[str, FieldSpec] = {
    "epochs": FieldSpec(integer_parser(1), "passes over the training rows", "integer"),
    "batch_size": FieldSpec(integer_parser(1), "rows in a step", "integer"),
    "accumulation": FieldSpec(integer_parser(1), "steps in an update", "integer"),
    "warmup": FieldSpec(_share_parser, "share of the updates in which the rate rises", "number"),
    "weight_decay": FieldSpec(
        number_parser(0), "of every group that has none of its own", "number"
    ),
    "schedule": FieldSpec(word_parser(SCHEDULES), "the course of the rates after warmup", "word"),
    "label_smoothing": FieldSpec(
        _below_one_parser, "share of each row's label that is spread over all labels", "number"
    ),
    "max_grad_norm": FieldSpec(
        number_parser(0, above=True), "gradients are clipped to this norm", "number"
    ),
    "adam_beta1": FieldSpec(_below_one_parser, "AdamW's decay of the mean gradient", "number"),
    "adam_beta2": FieldSpec(
        _below_one_parser, "AdamW's decay of the mean squared gradient", "number"
    ),
    "adam_epsilon": FieldSpec(
        number_parser(0, above=True), "AdamW's term against division by 0", "number"
    ),
    "dropout": FieldSpec(
        _below_one_parser,
        "of all dropout layers; without it, what the model's configuration says",
        "number",
    ),
    "precision": FieldSpec(
        word_parser(PRECISIONS, {"fp16": "bf16", "float32": "fp32", "bfloat16": "bf16"}),
        "auto is bf16 where that is faster: on GPUs that have it, and on a CPU that multiplies "
        "matrices at least 1.3 × as fast in bf16, which is measured at the start",
    ),
    "kernels": FieldSpec(
        word_parser(KERNELS, {"onednn": "auto", "mkl": "torch", "plain": "torch"}),
        "what multiplies matrices on a CPU: auto measures at the start whether oneDNN is faster "
        "than what torch calls by itself; torch measures nothing, auto precision is fp32 then: "
        "for sessions that are to give the same bits on other machines",
    ),
    "deterministic": FieldSpec(
        parse_boolean,
        "GPU kernels that repeat themselves to the bit, and are slower; a CPU always does",
    ),
    "seed": FieldSpec(parse_seed, "the same for all trials, or one for each"),
    "evaluations_per_epoch": FieldSpec(
        integer_parser(1), "evaluations on the validation rows, at equal distances"
    ),
    "keep": FieldSpec(word_parser(("best", "last")), "which evaluation's weights a trial keeps"),
    "checkpoint_seconds": FieldSpec(
        number_parser(0, above=True), "at most this much work is lost in a power cut"
    ),
    "silence_seconds": FieldSpec(
        number_parser(0, above=True),
        "a trainer that has a trial and sends nothing for so long hangs: it is killed, and "
        "the trial goes on in another one. While it loads data and model it may be silent for "
        "900 s at least",
    ),
}
GROUP: Mapping[str, FieldSpec] = {
    "name": FieldSpec(
        parse_group_name,
        "what the group is called in tables, keys and the log; without `. = < > \" '`",
    ),
    "part": FieldSpec(parse_parts, "selector: parts of the model"),
    "layers": FieldSpec(
        parse_layers,
        'selector: layers by index; `"2/4"` is the second of four equal slices of any encoder',
    ),
    "params": FieldSpec(
        parse_patterns, 'selector: parameters by name or glob, such as `["classifier.*"]`'
    ),
    "rest": FieldSpec(parse_boolean, "selector: what no other group took; one group at most"),
    "lr": RateFieldSpec(
        parse_rate,
        'the learning rate, or a tie to another group\'s: `{ like = "GROUP", times = … }`',
        "number",
        "log",
    ),
    "layer_decay": FieldSpec(
        number_parser(0, 1, above=True),
        "each layer has the rate of the one above it, times this",
        "number",
    ),
    "weight_decay": FieldSpec(
        number_parser(0), "the group's own, instead of that of [training]", "number"
    ),
}
SEARCH: Mapping[str, FieldSpec] = {
    "metric": FieldSpec(parse_metric, "what trials are compared by, on the validation rows"),
    "sampler": FieldSpec(
        word_parser(SAMPLERS, _SAMPLER_ALIASES), "how the next configuration is chosen"
    ),
    "pruner": FieldSpec(word_parser(PRUNERS, _PRUNER_ALIASES), "how weak trials are found early"),
    "trials": FieldSpec(
        integer_parser(1),
        "how many, baseline and enqueued ones included, re-runs of a trial not. What was "
        "asked for beyond them, and re-runs, come on top wherever trials are counted. Raise "
        "it and `tuner run` goes on",
    ),
    "time": FieldSpec(
        parse_duration,
        "stop after so much time in which trials train; loading, pauses and time lost by a "
        "crash do not count",
    ),
    "on_timeout": FieldSpec(
        word_parser(ON_TIMEOUT, _ON_TIMEOUT_ALIASES),
        'what becomes of a trial that is running when the time is up: "end" evaluates it once '
        'more and ends it with the best it has, marked as cut short; "pause" keeps its '
        'checkpoint, so that it goes on exactly there once `time` is raised; "finish" lets it '
        "run to its end",
    ),
    "slots": FieldSpec(
        parse_slots,
        "trials in parallel, see below; 1 makes a session on a CPU reproducible to the bit",
    ),
    "seed": FieldSpec(integer_parser(0, MAX_SEED), "of the sampler"),
    "startup_trials": FieldSpec(integer_parser(0), "random trials before the sampler learns"),
    "collapse": FieldSpec(
        parse_collapse,
        "when a model that predicts one label for every row is ended, see below; a number is "
        "of evaluations in a row",
    ),
    "first_rung": FieldSpec(
        number_parser(0, 1, above=True, below=True),
        "share of the schedule at which trials are first compared",
    ),
    "reduction": FieldSpec(integer_parser(2), "one in so many trials passes a rung"),
    "patience": FieldSpec(
        integer_parser(1),
        "stop after so many ended trials without a better one; failed trials and re-runs do "
        "not count",
    ),
    "baseline": FieldSpec(parse_boolean, "trial 0 is a published recipe for the model's family"),
    "grid_points": FieldSpec(integer_parser(2), "values of a range in a grid"),
    "repeats": FieldSpec(
        word_parser(("new", "seed")),
        "what happens if the sampler proposes a configuration that was tried already, and "
        'would train to the same bit: "new" asks it again, then takes another one, and the '
        'search ends when all were tried; "seed" trains it on the next seed',
    ),
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

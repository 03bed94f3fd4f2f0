"""Every field of the forms, form by form: the keys of a recipe that there are to edit."""

from __future__ import annotations

from tuner.recipe.schema import (
    METRICS,
    ON_TIMEOUT,
    PER_TRIAL,
    PRECISIONS,
    PRUNERS,
    SAMPLERS,
    SCHEDULES,
)
from tuner.recipe.types import Choices, Range
from tuner.tui.setup.fields import FormField

TASK = (
    FormField(
        "model.name", "model", "A model of the hub, or a folder that save_pretrained left", "text"
    ),
    FormField(
        "data.train",
        "train",
        "A file (csv, tsv, jsonl, parquet, …) or hub:NAME:CONFIG:SPLIT",
        "file",
    ),
    FormField(
        "data.validation",
        "validation",
        "The rows that steer the search: a file, or a share of train such as 0.1",
        "share or file",
    ),
    FormField(
        "data.test", "test", "A file that stays sealed until tuner test", "file", optional=True
    ),
    FormField(
        "data.holdout", "holdout", "Share of validation that is sealed as test instead of a file"
    ),
    FormField("data.text", "text", "One column or two: premise, hypothesis", "columns"),
    FormField("data.label", "label", "The column of the labels", "columns"),
    FormField(
        "model.max_length", "max length", "In wordpieces; what is longer is cut", integer=True
    ),
    FormField("data.split_seed", "split seed", "Decides which rows are set aside", integer=True),
)

FORM = (
    FormField(
        "data.separator",
        "separator",
        "Of columns: comma, tab, semicolon, bar, space or a character; empty is by the file",
        "text",
        optional=True,
    ),
    FormField(
        "data.header",
        "header",
        "Whether the first row holds names; empty is by the file",
        "word",
        words=(True, False),
        optional=True,
    ),
    FormField(
        "data.quotes",
        "quotes",
        "Around fields, plain characters, or escaped by a backslash; empty is by the file",
        "word",
        words=(True, False, "backslash"),
        optional=True,
    ),
    FormField(
        "data.encoding",
        "encoding",
        "Such as cp1252; empty is UTF-8, or what the file's first bytes say",
        "text",
        optional=True,
    ),
    FormField(
        "data.unlabelled",
        "no label",
        "Labels that mean none, whose rows are left out: -1; none takes -1 for a label",
        "labels",
        optional=True,
    ),
    FormField(
        "data.merge_labels",
        "merge labels",
        "Labels that differ in case, blanks or Unicode form only are one",
        "word",
        words=(True, False),
    ),
    FormField(
        "data.label_names",
        "label names",
        "World, Sports for labels 0 and 1, or no=Nein, yes=Ja",
        "names",
        optional=True,
    ),
)

OTHER = (
    FormField(
        "training.epochs",
        "epochs",
        "Passes over the training rows",
        integer=True,
        usual=Range(2, 10, "linear", True),
    ),
    FormField(
        "training.batch_size", "batch size", "Rows in a step", integer=True, usual=Choices((16, 32))
    ),
    FormField(
        "training.accumulation",
        "accumulation",
        "Steps added up before the weights change",
        integer=True,
        usual=Choices((1, 2)),
    ),
    FormField(
        "training.warmup",
        "warmup",
        "Share of the schedule in which the rates rise",
        usual=Range(0.0, 0.2),
    ),
    FormField(
        "training.weight_decay",
        "weight decay",
        "AdamW's, for groups without one of their own",
        usual=Range(0.0, 0.1),
    ),
    FormField(
        "training.schedule",
        "schedule",
        "How the rates fall after the warmup",
        "word",
        words=SCHEDULES,
        usual=Choices(("linear", "cosine")),
    ),
    FormField("training.label_smoothing", "label smoothing", "0 is none", usual=Range(0.0, 0.2)),
    FormField(
        "training.max_grad_norm",
        "gradient clip",
        "Longest gradient that a step takes whole",
        usual=Choices((1.0, 5.0)),
    ),
    FormField(
        "training.dropout",
        "dropout",
        "The model's own where this is empty",
        usual=Range(0.0, 0.2),
        optional=True,
    ),
    *(
        FormField(
            f"training.adam_beta{n}",
            f"Adam β{n}",
            f"How long AdamW remembers {what}",
            usual=Choices(choices),
        )
        for n, what, choices in (
            (1, "gradients", (0.9, 0.95)),
            (2, "their squares", (0.98, 0.999)),
        )
    ),
    FormField(
        "training.adam_epsilon",
        "Adam ε",
        "Keeps AdamW's steps finite where gradients are small",
        usual=Choices((1e-8, 1e-6)),
    ),
    FormField(
        "training.precision",
        "precision",
        "auto is fp32 on a CPU, bf16 on GPUs that have it",
        "word",
        words=PRECISIONS,
    ),
    FormField(
        "training.deterministic",
        "deterministic",
        "GPU kernels that repeat to the bit, and are slower",
        "word",
        words=(True, False),
    ),
    FormField(
        "training.seed",
        "seed",
        "A number, or per-trial: each trial draws its own",
        "word",
        integer=True,
        words=(0, PER_TRIAL),
    ),
    FormField(
        "training.keep",
        "keep",
        "Which evaluation counts and whose weights are kept",
        "word",
        words=("best", "last"),
    ),
    FormField(
        "training.evaluations_per_epoch",
        "evaluations",
        "In each epoch; more of them let the pruner look more often",
        integer=True,
    ),
)

SEARCH = (
    FormField(
        "search.metric",
        "metric",
        "What is best; f1.LABEL is the F1 of one label",
        "word",
        words=METRICS,
    ),
    FormField(
        "search.sampler",
        "sampler",
        "How values are suggested; tpe learns from what was seen",
        "word",
        words=SAMPLERS,
    ),
    FormField("search.pruner", "pruner", "How weak trials are ended early", "word", words=PRUNERS),
    FormField("search.trials", "trials", "How many, the baseline included", integer=True),
    FormField(
        "search.time",
        "time",
        "Of training, such as 8h or 90m; empty is no limit",
        "duration",
        optional=True,
    ),
    FormField(
        "search.on_timeout",
        "on timeout",
        "A trial running when the time is up ends with what it has, pauses, or finishes",
        "word",
        words=ON_TIMEOUT,
    ),
    FormField(
        "search.slots",
        "slots",
        "Trials side by side; auto measures what pays, 1 is reproducible to the bit",
        "word",
        integer=True,
        words=("auto", 1, 2, 4),
    ),
    FormField("search.seed", "seed", "Of the sampler", integer=True),
    FormField(
        "search.startup_trials",
        "startup trials",
        "Drawn at random before the sampler learns",
        integer=True,
    ),
    FormField(
        "search.collapse",
        "collapse",
        "When a model with one answer for all rows is ended; or evaluations running",
        "word",
        integer=True,
        words=("auto", "off", 2, 4),
    ),
    FormField(
        "search.first_rung", "first rung", "Share of the schedule before the first comparison"
    ),
    FormField("search.reduction", "reduction", "One in so many goes on at each rung", integer=True),
    FormField(
        "search.patience",
        "patience",
        "Stop after so many trials without a better one; empty is never",
        integer=True,
        optional=True,
    ),
    FormField(
        "search.baseline",
        "baseline",
        "Trial 0 is a published recipe for the model",
        "word",
        words=(True, False),
    ),
    FormField("search.grid_points", "grid points", "Values of each range in a grid", integer=True),
    FormField(
        "search.repeats",
        "repeats",
        "A configuration that was tried already: another one instead, or again on the next seed",
        "word",
        words=("new", "seed"),
    ),
)

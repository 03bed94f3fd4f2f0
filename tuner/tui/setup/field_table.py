"""Every field of the forms, form by form: the keys of a recipe that there are to edit."""

from __future__ import annotations

from tuner.recipe.key_parsers import METRICS, PER_TRIAL
from tuner.recipe.schema import ON_TIMEOUT, PRECISIONS, PRUNERS, SAMPLERS, SCHEDULES
from tuner.recipe.types import Choices, Range
from tuner.tui.setup.fields import FormField

TASK = (
    FormField(
        "model.name", "model", "A model on the hub, or a folder written by save_pretrained", "text"
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
        "Rows that guide the search: a file, or a share of train, 0.1",
        "share or file",
    ),
    FormField(
        "data.test", "test", "A file that stays sealed until tuner test", "file", optional=True
    ),
    FormField(
        "data.holdout",
        "holdout",
        "Share of validation that is sealed as test set instead of a file",
    ),
    FormField("data.text", "text", "One column or two: premise, hypothesis", "columns"),
    FormField("data.label", "label", "The column of the labels", "columns"),
    FormField("model.max_length", "max length", "In tokens; longer texts are cut", integer=True),
    FormField("data.split_seed", "split seed", "Decides which rows are held out", integer=True),
)

FORM = (
    FormField(
        "data.separator",
        "separator",
        "Comma, tab, semicolon, bar, space, any character; empty detects it",
        "text",
        optional=True,
    ),
    FormField(
        "data.header",
        "header",
        "Whether the first row holds names; empty detects it",
        "word",
        words=(True, False),
        optional=True,
    ),
    FormField(
        "data.quotes",
        "quotes",
        "Around fields, plain, or escaped by a backslash; empty detects them",
        "word",
        words=(True, False, "backslash"),
        optional=True,
    ),
    FormField(
        "data.encoding",
        "encoding",
        "Such as cp1252; empty is UTF-8, or what the file's BOM says",
        "text",
        optional=True,
    ),
    FormField(
        "data.unlabelled",
        "no label",
        "Rows with these labels are left out, such as -1; none keeps -1",
        "labels",
        optional=True,
    ),
    FormField(
        "data.merge_labels",
        "merge labels",
        "Merge labels that differ only in case, spaces or Unicode form",
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
        "Batches summed up before the weights are updated",
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
        "AdamW's weight decay, for groups without their own",
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
        "Gradients with a longer norm are clipped to it",
        usual=Choices((1.0, 5.0)),
    ),
    FormField(
        "training.dropout",
        "dropout",
        "Empty keeps the model's own",
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
        "auto is bf16 on GPUs that support it, and on a CPU where it is measured to be faster",
        "word",
        words=PRECISIONS,
    ),
    FormField(
        "training.deterministic",
        "deterministic",
        "Bit-for-bit reproducible GPU kernels, slower",
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
        "What decides which trial is best; f1.LABEL is the F1 of one label",
        "word",
        words=METRICS,
    ),
    FormField(
        "search.sampler",
        "sampler",
        "How values are suggested; tpe learns from earlier trials",
        "word",
        words=SAMPLERS,
    ),
    FormField("search.pruner", "pruner", "How weak trials are ended early", "word", words=PRUNERS),
    FormField("search.trials", "trials", "How many, the baseline included", integer=True),
    FormField(
        "search.time",
        "time",
        "Training time, such as 8h or 90m; empty is no limit",
        "duration",
        optional=True,
    ),
    FormField(
        "search.on_timeout",
        "on timeout",
        "When time is up, running trials end as they are, pause or finish",
        "word",
        words=ON_TIMEOUT,
    ),
    FormField(
        "search.slots",
        "slots",
        "Trials in parallel; auto measures what pays, 1 is bit-reproducible",
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
        "End trials that predict a single label: after how many evaluations",
        "word",
        integer=True,
        words=("auto", "off", 2, 4),
    ),
    FormField(
        "search.first_rung", "first rung", "Share of the schedule before the first comparison"
    ),
    FormField(
        "search.reduction",
        "reduction",
        "Of this many trials one continues at each rung",
        integer=True,
    ),
    FormField(
        "search.patience",
        "patience",
        "Stop after this many trials without a better one; empty is never",
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
    FormField("search.grid_points", "grid points", "Values per range in a grid", integer=True),
    FormField(
        "search.repeats",
        "repeats",
        "Where a configuration comes up again: a new one, or the next seed",
        "word",
        words=("new", "seed"),
    ),
)

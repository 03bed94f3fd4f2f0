"""Everything that can be known about a recipe before any training time is spent."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.errors import TunerError
from tuner.pool.cores import usable_cores
from tuner.pool.protocol import Setup
from tuner.recipe.findings import CheckReport, Finding, Level, ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import parse, recipe_to_dict
from tuner.recipe.nearest import show
from tuner.recipe.rates import is_frozen
from tuner.recipe.samplers import check_sampler, search_warnings
from tuner.recipe.space import search_space, with_groups
from tuner.recipe.types import Parameter, Recipe, ResolvedGroup
from tuner.results.format import count, counted, percent
from tuner.results.metrics import check_metric
from tuner.results.yardstick import rates_out_of_range
from tuner.training.coverage import validation_warnings
from tuner.training.data import Data, LabelledRows, read_labelled
from tuner.training.errors import first_line
from tuner.training.files import temporary_folder
from tuner.training.rows import Rows, duplicates
from tuner.training.sealed import inspect_sealed, is_sealed

if TYPE_CHECKING:
    from tuner.training.bench import Bench

_RARE = 0.1
_BYTES = 4
# Weights, two moments of AdamW, and the weights of the best evaluation.
_CHECKPOINT_COPIES = 4
_SHOWN_GROUPS = 4
_ASSUMED_SLOTS = 2

Tell = Callable[[str], None]


class _Report:
    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.test: int | None = None

    def add(self, level: Level, topic: str, text: str) -> None:
        """Note a fact, unless it was noted under another topic."""
        if all(finding.text != text for finding in self.findings):
            self.findings.append(Finding(level, topic, text))

    def failed(self, *topics: str) -> bool:
        """Whether there is an error in one of these topics."""
        return any(f.level == "error" and f.topic in topics for f in self.findings)

    @contextmanager
    def topic(self, topic: str) -> Iterator[None]:
        """What a user can mend becomes a finding, and the other topics are still looked at."""
        try:
            yield
        except TunerError as error:
            self.add("error", topic, str(error))


def answer_check(request: dict[str, Any], tell: Tell) -> CheckReport:
    """Answer {"recipe": …, "session": DIR or null, "rehearse": bool}.

    `tell` hears what is being done. TunerError where that is no recipe at all.
    """
    recipe = parse(request["recipe"], "recipe")
    session = request.get("session")
    folder = Path(session) if session else Path.cwd()
    return check_recipe(recipe, folder, rehearse=request.get("rehearse", True), tell=tell)


def check_recipe(
    recipe: Recipe, folder: Path, *, rehearse: bool = True, tell: Tell = lambda _text: None
) -> CheckReport:
    """Look at data, model, groups, search and the disk of `folder`.

    Of sealed rows the labels are compared with those of train, and the texts hashed. With
    `rehearse`, the set-up of a trainer follows, weights included, and a step and predictions with
    the oddest rows. Nothing is written into `folder`.
    """
    report = _Report()
    rows: LabelledRows | None = None
    tell("reading the data")
    with report.topic("data"):
        rows = _check_data(recipe, report)
    labels = list(rows.labels) if rows else []
    model: ModelDescription | None = None
    with report.topic("model"):
        model = _check_model(recipe, labels, report)
    if model is not None:
        with report.topic("groups"):
            _check_groups(recipe, model, report)
        _check_disk(recipe, model, folder, report)
    # A trainer would refuse these at once, before it says what else there is.
    rehearse = rehearse and not report.failed("recipe", "groups")
    if model is not None and rows is not None:
        with report.topic("model"):
            _check_set_up(recipe, rows, report, rehearse, tell)
    counts = _row_counts(rows) | ({} if report.test is None else {"test": report.test})
    return CheckReport(report.findings, model, counts, labels, rehearsed=rehearse)


def warnings_at_start(bench: Bench) -> list[str]:
    """What a check would find wrong, told by a trainer that has begun, whose own come last."""
    report = _Report()
    with report.topic("data"):
        _check_data(bench.recipe, report)
    with report.topic("groups"):
        _check_groups(bench.recipe, bench.description, report)
    wrong = [finding.text for finding in report.findings if finding.level != "ok"]
    return list(dict.fromkeys([*wrong, *bench.warnings]))


def _row_counts(rows: LabelledRows | None) -> dict[str, int]:
    if rows is None:
        return {}
    division = rows.division
    counts = {"train": len(division.train), "validation": len(division.validation)}
    return counts if division.sealed is None else counts | {"test": len(division.sealed)}


# --- data


def _check_data(recipe: Recipe, report: _Report) -> LabelledRows:
    rows = read_labelled(recipe.data)
    counts = ", ".join(f"{count} {name}" for name, count in _row_counts(rows).items())
    report.add("ok", "data", f"rows: {counts}")
    for line in rows.decisions():
        report.add("ok", "data", line)
    for warning in (*rows.scheme.warnings, *validation_warnings(rows)):
        report.add("warning", "data", warning)
    _check_test(recipe, rows, report)
    _check_labels(rows, report)
    _check_texts(rows, report)
    with report.topic("recipe"):
        check_metric(recipe.search.metric, rows.labels)
    return rows


def _check_test(recipe: Recipe, rows: LabelledRows, report: _Report) -> None:
    """Whether the sealed rows can be scored; nothing that is found here tells a score."""
    if not is_sealed(recipe.data):
        return
    found = inspect_sealed(recipe.data, rows)
    if found.sealed is None:
        report.add("error", "data", found.problem)
        return
    report.test = found.sealed.rows
    report.add(
        "ok", "data", f"test: {counted(found.sealed.rows, 'row')} sealed, their labels are train's"
    )
    for warning in found.warnings:
        report.add("warning", "data", warning)


def _check_labels(rows: LabelledRows, report: _Report) -> None:
    division, labels = rows.division, rows.labels
    train = Counter(rows.train_classes[division.train].tolist())
    shares = {labels[number]: count / len(division.train) for number, count in train.items()}
    balance = ", ".join(
        f"{show(label)} {percent(share, 1)}" for label, share in sorted(shares.items())[:8]
    )
    more = f" and {len(shares) - 8} more" if len(shares) > 8 else ""
    report.add("ok", "data", f"{len(labels)} classes in train: {balance}{more}")
    rare = [label for label, share in shares.items() if share < _RARE / len(labels)]
    if rare:
        fewest = show(min(rare, key=lambda label: shares[label]))
        text = (
            f"{fewest} is rare"
            if len(rare) == 1
            else f"{len(rare)} classes are rare, most of all {fewest}"
        )
        report.add("warning", "data", f"{text}; f1_macro or mcc tells more than accuracy")


def _check_texts(rows: LabelledRows, report: _Report) -> None:
    division = rows.division
    parts = (
        ("train", _picked(rows.train, division.train.tolist())),
        ("validation", _picked(rows.validation, division.validation.tolist())),
    )
    for name, part in parts:
        # Rows without any text are told of once they are tokenized.
        lacking = [row for row in zip(*part.texts, strict=True) if _lacks_a_text(row)]
        if lacking:
            counted = "1 row has" if len(lacking) == 1 else f"{len(lacking):,} rows have"
            report.add("warning", "data", f"{name}: {counted} one of two texts empty")
    shared = duplicates(parts[0][1], parts[1][1])
    if shared:
        text = f"{shared} of {len(parts[1][1])} validation rows are in train too"
        report.add("warning", "data", f"{text}: their score says nothing about new texts")


def _lacks_a_text(row: tuple[str, ...]) -> bool:
    filled = [bool(text.strip()) for text in row]
    return any(filled) and not all(filled)


def _picked(rows: Rows, numbers: list[int]) -> Rows:
    texts = tuple([column[number] for number in numbers] for column in rows.texts)
    return Rows(rows.source, texts, [rows.labels[number] for number in numbers], rows.names)


# --- model and groups


def _check_model(recipe: Recipe, labels: list[str], report: _Report) -> ModelDescription:
    from tuner.training.model import describe_model, model_source

    source = model_source(recipe.model, recipe.data.root)
    model = describe_model(source, labels or ["0", "1"])
    size = _size(model)
    shared = ", all layers share one set of weights" if model.shared_layers else ""
    text = (
        f"{model.name}: {model.model_type}, {counted(model.layers, 'layer')} × {model.hidden_size}"
    )
    report.add("ok", "model", f"{text}, {count(size)} parameters{shared}")
    return model


def _check_set_up(
    recipe: Recipe, rows: LabelledRows, report: _Report, rehearse: bool, tell: Tell
) -> None:
    """Set up what a trainer would, in a folder that is removed again."""
    with temporary_folder("tuner-check-") as folder, _any_failure_told():
        if rehearse:
            _rehearse(recipe, rows, report, folder, tell)
        else:
            _prepare(recipe, rows, report, folder, tell)


@contextmanager
def _any_failure_told() -> Iterator[None]:
    """Models and tokenizers bring code of their own, and it may raise what it likes."""
    try:
        yield
    except TunerError:
        raise
    except Exception as error:
        raise TunerError(f"the trainer cannot be set up: {first_line(error)}") from error


def _prepare(recipe: Recipe, rows: LabelledRows, report: _Report, folder: Path, tell: Tell) -> None:
    """The set-up without weights."""
    from tuner.training.forecast import batches_of
    from tuner.training.inputs import prepare_data
    from tuner.training.model import load_tokenizer, model_source

    source = model_source(recipe.model, recipe.data.root)
    tokenizer = load_tokenizer(source)
    tell("tokenizing")
    prepared = prepare_data(recipe, source, tokenizer, folder)
    _add_set_up(prepared.data, prepared.warnings, prepared.notes, report)
    train, precision = prepared.data.train, recipe.training.precision
    labels = list(rows.labels)
    report.add("ok", "model", batches_of(source, tokenizer, labels, train, precision))


def _rehearse(
    recipe: Recipe, rows: LabelledRows, report: _Report, folder: Path, tell: Tell
) -> None:
    from tuner.training.bench import Bench
    from tuner.training.rehearsal import rehearse

    def hear(level: str, text: str) -> None:
        if level == "info":
            tell(text)
        else:
            report.add("warning", "model", text)

    setup = Setup(
        session=str(folder), recipe=recipe_to_dict(recipe), device="auto", threads=usable_cores()
    )
    tell("loading the model as a trainer does")
    bench = Bench(setup, hear)
    warnings = [*bench.loading.warnings, *bench.warnings]
    _add_set_up(bench.data, warnings, [*bench.loading.lines, *bench.notes], report)
    tell("trying a step with the longest and the oddest rows")
    report.add("ok", "model", rehearse(bench, rows))


def _add_set_up(data: Data, warnings: list[str], notes: list[str], report: _Report) -> None:
    for text in warnings:
        report.add("warning", "model", text)
    for name, split in (("train", data.train), ("validation", data.validation)):
        middle, longest = int(np.median(split.lengths)), int(split.lengths.max())
        report.add("ok", "data", f"{name}: {middle} tokens a row in the middle, {longest} at most")
    for text in notes:
        report.add("ok", "model", text)


def _size(model: ModelDescription) -> int:
    return sum(Parameter(name, tuple(shape)).size for name, shape in model.parameters)


def _check_groups(recipe: Recipe, model: ModelDescription, report: _Report) -> None:
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(recipe.groups, parameters)
    for group in resolved:
        frozen = " (frozen)" if is_frozen(recipe.groups, group.spec) else ""
        text = f"group {show(group.spec.name)}{frozen}: {counted(len(group.parameters), 'tensor')}"
        report.add("ok", "groups", f"{text}, {count(group.size)} parameters")
    _check_left_out(recipe, resolved, report)
    _check_search(recipe, resolved, report)
    _check_yardstick(recipe, model, resolved, report)
    if all(is_frozen(recipe.groups, group.spec) for group in resolved):
        report.add("error", "groups", "all groups are frozen, so there is nothing to train")


def _check_search(recipe: Recipe, resolved: tuple[ResolvedGroup, ...], report: _Report) -> None:
    """As the study will: groups that are empty in this model are not searched."""
    with report.topic("search"):
        space = search_space(with_groups(recipe, [group.spec.name for group in resolved]))
        check_sampler(recipe.search, space)
        for warning in search_warnings(recipe.search, space):
            report.add("warning", "search", warning)


def _check_yardstick(
    recipe: Recipe, model: ModelDescription, resolved: tuple[ResolvedGroup, ...], report: _Report
) -> None:
    present = with_groups(recipe, [group.spec.name for group in resolved])
    shape = (model.model_type, model.hidden_size, model.layers)
    sentences = list(rates_out_of_range(present, *shape).values())
    if sentences:
        more = f" (and so for {len(sentences) - 1} more groups)" if len(sentences) > 1 else ""
        text = f"{sentences[0]}{more}: no sampled trial can be like it"
        report.add("warning", "groups", text)


def _check_left_out(recipe: Recipe, resolved: tuple[ResolvedGroup, ...], report: _Report) -> None:
    there = {group.spec.name for group in resolved}
    empty = [show(s.name) for s in recipe.groups if s.name not in there and not s.rest]
    if len(empty) == 1:
        report.add("warning", "groups", f"group {empty[0]} is empty in this model")
    elif empty:
        more = f" and {len(empty) - _SHOWN_GROUPS} more" if len(empty) > _SHOWN_GROUPS else ""
        text = f"groups {', '.join(empty[:_SHOWN_GROUPS])}{more} are empty in this model"
        report.add("warning", "groups", text)


def _check_disk(recipe: Recipe, model: ModelDescription, folder: Path, report: _Report) -> None:
    weights = _size(model) * _BYTES
    slots = recipe.search.slots if isinstance(recipe.search.slots, int) else _ASSUMED_SLOTS
    # The best model, the one that takes its place, and a checkpoint with its successor a slot.
    need = weights * (1 + slots + 2 * slots * _CHECKPOINT_COPIES)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"about {need / 1e9:.1f} GB for models and checkpoints, {free / 1e9:.1f} GB are free"
    report.add("ok" if free > need else "error", "disk", text)

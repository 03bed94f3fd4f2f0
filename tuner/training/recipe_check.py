"""Everything that can be known about a recipe before any training time is spent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tuner.errors import TunerError
from tuner.pool.cores import count_usable_cores
from tuner.pool.protocol import Setup
from tuner.recipe.findings import CheckReport, ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.kernels import KernelsChoice, KernelsRule
from tuner.recipe.load import parse_recipe, recipe_to_dict
from tuner.recipe.nearest import quote_value
from tuner.recipe.rates import is_frozen_group
from tuner.recipe.samplers import check_sampler_can_search, search_warnings
from tuner.recipe.space import keep_present_groups, search_space
from tuner.recipe.types import Parameter, Recipe, ResolvedGroup
from tuner.results.baseline_coverage import rates_out_of_range
from tuner.results.format import (
    count_in_words,
    format_bytes,
    format_count,
)
from tuner.results.kernels_text import describe_kernels
from tuner.training.data import LabelledRows, SessionData
from tuner.training.data_check import Findings, count_rows_by_split, read_and_check_data
from tuner.training.failure_causes import error_in_one_line
from tuner.training.files import make_temporary_folder
from tuner.training.listing import list_first

if TYPE_CHECKING:
    from tuner.training.trainer_context import TrainerContext

_BYTES = 4
# Weights, two moments of AdamW, and the weights of the best evaluation.
_CHECKPOINT_COPIES = 4
_ASSUMED_SLOTS = 2

ReportStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GivenKernels:
    """What a session says about its kernels, as in `Setup`; "" is no folder to publish in."""

    choice: KernelsChoice | None = None
    rule: KernelsRule = "keep"
    folder: str = ""


UNCHOSEN = GivenKernels()


def answer_check_request(request: dict[str, Any], report_stage: ReportStage) -> CheckReport:
    """Answer {"recipe": …, "session": DIR or null, "rehearse": bool}.

    The session's `kernels` and `kernels_rule` are those of `Setup`. `report_stage` hears what is
    being done. TunerError where `recipe` is not a recipe at all.
    """
    recipe = parse_recipe(request["recipe"], "recipe")
    session = request.get("session")
    kernels = GivenKernels(
        msgspec.convert(request.get("kernels"), KernelsChoice | None),
        request.get("kernels_rule", "keep"),
        str(Path(session) / "cache") if session else "",
    )
    return check_recipe(
        recipe,
        Path(session) if session else Path.cwd(),
        kernels,
        rehearse=request.get("rehearse", True),
        report_stage=report_stage,
    )


def check_recipe(
    recipe: Recipe,
    folder: Path,
    kernels: GivenKernels = UNCHOSEN,
    *,
    rehearse: bool = True,
    report_stage: ReportStage = lambda _text: None,
) -> CheckReport:
    """Check data, model, groups, search and the disk of `folder`.

    The labels of sealed rows are compared with those of train, and their texts hashed. With
    `rehearse`, a trainer is set up, weights included, and a step and predictions are tried with the
    oddest rows. Nothing is written into `folder` but a choice of `kernels`, which a start adopts.
    """
    report = Findings()
    rows: LabelledRows | None = None
    report_stage("reading the data")
    with report.errors_as_findings("data"):
        rows = read_and_check_data(recipe, report)
    labels = list(rows.labels) if rows else []
    model: ModelDescription | None = None
    with report.errors_as_findings("model"):
        model = _check_model_description(recipe, labels, report)
    if model is not None:
        with report.errors_as_findings("groups"):
            _check_layer_groups(recipe, model, report)
        _check_disk_space(recipe, model, folder, report)
    # A trainer would refuse these at once, before it says what else there is.
    rehearse = rehearse and not report.has_error_in("recipe", "groups")
    if model is not None and rows is not None:
        with report.errors_as_findings("model"):
            _check_trainer_setup(recipe, rows, kernels if rehearse else None, report, report_stage)
    counts = count_rows_by_split(rows) | (
        {} if report.test_rows is None else {"test": report.test_rows}
    )
    return CheckReport(report.findings, model, counts, labels, rehearsed=rehearse)


def warnings_at_start(context: TrainerContext) -> list[str]:
    """Return what a check would warn of, followed by the trainer's own warnings."""
    report = Findings()
    with report.errors_as_findings("data"):
        read_and_check_data(context.recipe, report)
    with report.errors_as_findings("groups"):
        _check_layer_groups(context.recipe, context.description, report)
    wrong = [finding.text for finding in report.findings if finding.level != "ok"]
    return list(dict.fromkeys([*wrong, *context.warnings]))


# --- model and groups


def _check_model_description(
    recipe: Recipe, labels: list[str], report: Findings
) -> ModelDescription:
    from tuner.training.model import describe_model, find_model_source

    source = find_model_source(recipe.model, recipe.data.root)
    model = describe_model(source, labels or ["0", "1"])
    size = _parameter_count(model)
    shared = ", all layers share one set of weights" if model.shared_layers else ""
    layers = f"{count_in_words(model.layers, 'layer')} × {model.hidden_size}"
    text = f"{model.name}: {model.model_type}, {layers}, {format_count(size)} parameters{shared}"
    report.add_finding("ok", "model", text)
    return model


def _check_trainer_setup(
    recipe: Recipe,
    rows: LabelledRows,
    kernels: GivenKernels | None,
    report: Findings,
    report_stage: ReportStage,
) -> None:
    """Set up what a trainer would, in a folder that is removed again; weights with `kernels`."""
    with make_temporary_folder("tuner-check-") as folder, _failures_as_tuner_errors():
        if kernels is None:
            _prepare_without_weights(recipe, rows, report, folder, report_stage)
        else:
            setup = _setup_for_rehearsal(recipe, kernels, folder)
            _rehearse_training(setup, rows, report, report_stage)


@contextmanager
def _failures_as_tuner_errors() -> Iterator[None]:
    """Turn any failure into a TunerError: models and tokenizers bring code of their own."""
    try:
        yield
    except TunerError:
        raise
    except Exception as error:
        raise TunerError(f"the trainer cannot be set up: {error_in_one_line(error)}") from error


def _prepare_without_weights(
    recipe: Recipe, rows: LabelledRows, report: Findings, folder: Path, report_stage: ReportStage
) -> None:
    from tuner.training.forecast import forecast_batches
    from tuner.training.inputs import prepare_session_data
    from tuner.training.model import find_model_source, load_tokenizer

    source = find_model_source(recipe.model, recipe.data.root)
    tokenizer = load_tokenizer(source)
    report_stage("tokenizing")
    prepared = prepare_session_data(recipe, source, tokenizer, folder)
    _add_setup_findings(prepared.data, prepared.warnings, prepared.notes, report)
    train, precision = prepared.data.train, recipe.training.precision
    labels = list(rows.labels)
    report.add_finding("ok", "model", forecast_batches(source, tokenizer, labels, train, precision))


def _setup_for_rehearsal(recipe: Recipe, kernels: GivenKernels, folder: Path) -> Setup:
    return Setup(
        session=str(folder),
        recipe=recipe_to_dict(recipe),
        device="auto",
        threads=count_usable_cores(),
        kernels=kernels.choice,
        kernels_rule=kernels.rule,
        kernels_folder=kernels.folder,
    )


def _rehearse_training(
    setup: Setup, rows: LabelledRows, report: Findings, report_stage: ReportStage
) -> None:
    from tuner.training.rehearsal import rehearse_odd_rows
    from tuner.training.trainer_context import TrainerContext

    def handle_notice(level: str, text: str) -> None:
        if level == "info":
            report_stage(text)
        else:
            report.add_finding("warning", "model", text)

    report_stage("loading the model as a trainer does")
    context = TrainerContext(setup, handle_notice)
    warnings = [*context.loading_report.warnings, *context.warnings]
    _add_setup_findings(
        context.data, warnings, [*context.loading_report.lines, *context.notes], report
    )
    kernels_text = describe_kernels(context.kernels_choice)
    report.add_finding("ok", "model", f"kernels: {kernels_text}")
    report_stage("trying a step with the longest and the oddest rows")
    report.add_finding("ok", "model", rehearse_odd_rows(context, rows))


def _add_setup_findings(
    data: SessionData, warnings: list[str], notes: list[str], report: Findings
) -> None:
    for text in warnings:
        report.add_finding("warning", "model", text)
    for name, split in (("train", data.train), ("validation", data.validation)):
        middle, longest = int(np.median(split.lengths)), int(split.lengths.max())
        report.add_finding(
            "ok", "data", f"{name}: {middle} tokens a row (median), {longest} at most"
        )
    for text in notes:
        report.add_finding("ok", "model", text)


def _parameter_count(model: ModelDescription) -> int:
    return sum(Parameter(name, tuple(shape)).element_count for name, shape in model.parameters)


def _check_layer_groups(recipe: Recipe, model: ModelDescription, report: Findings) -> None:
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(recipe.groups, parameters)
    for group in resolved:
        frozen = " (frozen)" if is_frozen_group(recipe.groups, group.spec) else ""
        tensors = count_in_words(len(group.parameters), "tensor")
        text = f"group {quote_value(group.spec.name)}{frozen}: {tensors}"
        report.add_finding(
            "ok", "groups", f"{text}, {format_count(group.element_count)} parameters"
        )
    _warn_of_empty_groups(recipe, resolved, report)
    _check_search_space(recipe, resolved, report)
    _check_yardstick_rates(recipe, model, resolved, report)
    if all(is_frozen_group(recipe.groups, group.spec) for group in resolved):
        report.add_finding("error", "groups", "all groups are frozen, so there is nothing to train")


def _check_search_space(
    recipe: Recipe, resolved: tuple[ResolvedGroup, ...], report: Findings
) -> None:
    """Check the search as the study will: groups that are empty in this model are not searched."""
    with report.errors_as_findings("search"):
        space = search_space(keep_present_groups(recipe, [group.spec.name for group in resolved]))
        check_sampler_can_search(recipe.search, space)
        for warning in search_warnings(recipe.search, space):
            report.add_finding("warning", "search", warning)


def _check_yardstick_rates(
    recipe: Recipe, model: ModelDescription, resolved: tuple[ResolvedGroup, ...], report: Findings
) -> None:
    present = keep_present_groups(recipe, [group.spec.name for group in resolved])
    shape = (model.model_type, model.hidden_size, model.layers)
    sentences = list(rates_out_of_range(present, *shape).values())
    if sentences:
        more = f" (and so for {len(sentences) - 1} more groups)" if len(sentences) > 1 else ""
        text = f"{sentences[0]}{more}: no sampled trial can be like it"
        report.add_finding("warning", "groups", text)


def _warn_of_empty_groups(
    recipe: Recipe, resolved: tuple[ResolvedGroup, ...], report: Findings
) -> None:
    present_names = {group.spec.name for group in resolved}
    empty = [
        quote_value(s.name) for s in recipe.groups if s.name not in present_names and not s.rest
    ]
    if len(empty) == 1:
        report.add_finding("warning", "groups", f"group {empty[0]} is empty in this model")
    elif empty:
        text = f"groups {list_first(empty)} are empty in this model"
        report.add_finding("warning", "groups", text)


def _check_disk_space(
    recipe: Recipe, model: ModelDescription, folder: Path, report: Findings
) -> None:
    weights = _parameter_count(model) * _BYTES
    slots = recipe.search.slots if isinstance(recipe.search.slots, int) else _ASSUMED_SLOTS
    # The best model, the one that takes its place, and a checkpoint with its successor a slot.
    need = weights * (1 + slots + 2 * slots * _CHECKPOINT_COPIES)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"models and checkpoints need about {format_bytes(need)}, {format_bytes(free)} are free"
    report.add_finding("ok" if free > need else "error", "disk", text)

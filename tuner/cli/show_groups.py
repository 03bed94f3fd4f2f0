"""`tuner groups`: every parameter of a model, the group it is in, and that group's rate."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tuner.cli.new import DEFAULT_PRESET, resolve_model_name
from tuner.cli.output import print_json_result, print_note, print_result, progress_spinner
from tuner.cli.session_lookup import sessions_root
from tuner.errors import TunerError
from tuner.recipe.findings import ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import load_recipe, setting_to_plain_value
from tuner.recipe.model_rates import scale_groups_to_model
from tuner.recipe.model_shape import ModelShape
from tuner.recipe.nearest import nearest_spelling
from tuner.recipe.presets import preset_document
from tuner.recipe.rates import (
    ParamGroup,
    is_frozen_group,
    param_group_setting,
    round_rate_setting,
    split_into_param_groups,
)
from tuner.recipe.types import (
    GroupSpec,
    Parameter,
    Recipe,
    ResolvedGroup,
)
from tuner.results import format as fmt
from tuner.session.best_document import load_cached_model
from tuner.session.folder import Session, list_sessions

SIMILAR_NAME = 0.75


def show_groups(options: argparse.Namespace) -> int:
    """Show the groups of a session's recipe in its model, or of a preset's in any model."""
    model, specs = _model_and_groups(options)
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(specs, parameters)
    if options.json:
        print_json_result(groups_object(model, specs, resolved))
        return 0
    print_result(parameters_table(specs, resolved))
    print_result(parameter_totals(model, specs, resolved))
    return 0


def _model_and_groups(options: argparse.Namespace) -> tuple[ModelDescription, Sequence[GroupSpec]]:
    session = _session_named(options)
    if session is not None:
        recipe = load_recipe(session.recipe_path)
        return _session_model(session, recipe), recipe.groups
    _refuse_near_session_name(options)
    name = options.preset or DEFAULT_PRESET
    document = preset_document(name)
    with progress_spinner(f"reading the shape of {options.name}"):
        model = _describe_named_model(options)
    shape = ModelShape(model.model_type, model.hidden_size, model.layers)
    own_model = document.get_value("model.name") is not None
    specs = (
        document.parse_groups()
        if own_model
        else scale_groups_to_model(document.parse_groups(), shape)
    )
    if options.preset is None:
        print_note(f"{options.name} is not a session: showing the groups of the preset {name}")
    return model, specs


def _session_model(session: Session, recipe: Recipe) -> ModelDescription:
    """Return the model's shape as a worker described it, else ask a child process now."""
    from tuner.worker.trainer_queries import query_model_description

    cached = load_cached_model(session)
    if cached is not None and cached.name == recipe.model.name:
        return cached
    with progress_spinner(f"reading the shape of {recipe.model.name}"):
        return query_model_description(recipe)


def _session_named(options: argparse.Namespace) -> Session | None:
    """Return the session of this name; None if the name is a model's."""
    matching_sessions = [s for s in list_sessions(sessions_root(options)) if s.name == options.name]
    return None if options.preset or not matching_sessions else matching_sessions[0]


def _describe_named_model(options: argparse.Namespace) -> ModelDescription:
    from tuner.worker.trainer_queries import query_model_description

    try:
        return query_model_description(resolve_model_name(options.name))
    except TunerError as error:
        if _can_only_be_a_model(options.name):
            raise
        raise TunerError(f"no session {options.name}; as a model: {error}") from error


def _can_only_be_a_model(name: str) -> bool:
    """Tell whether the name cannot be a session's, or names a folder."""
    return "/" in name or os.path.isdir(name)


def _refuse_near_session_name(options: argparse.Namespace) -> None:
    """Raise TunerError for a misspelt session, before it is looked up on the hub, which is slow."""
    if options.preset or _can_only_be_a_model(options.name):
        return
    names = [session.name for session in list_sessions(sessions_root(options))]
    near = nearest_spelling(options.name, names, min_similarity=SIMILAR_NAME)
    if near is not None:
        raise TunerError(
            f"no session {options.name}; did you mean {near}? "
            f"(if it is a model: --preset {DEFAULT_PRESET})"
        )


def parameters_table(specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("PARAMETER", no_wrap=True)
    table.add_column("SHAPE", justify="right", no_wrap=True)
    table.add_column("SIZE", justify="right", no_wrap=True)
    table.add_column("GROUP", no_wrap=True)
    table.add_column("LEARNING RATE", no_wrap=True)
    for level in split_into_param_groups(resolved):
        name, rate = (
            fmt.sanitize_text(level.group.name),
            fmt.format_recipe_setting(
                round_rate_setting(param_group_setting(specs, level)), usual_scale="log"
            ),
        )
        for parameter in level.parameters:
            shape = "×".join(map(str, parameter.shape)) or "scalar"
            size = fmt.format_count(parameter.element_count)
            table.add_row(fmt.sanitize_text(parameter.name), shape, size, name, rate)
    return table


def parameter_totals(
    model: ModelDescription, specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]
) -> Text:
    total = sum(group.element_count for group in resolved)
    frozen = sum(group.element_count for group in resolved if is_frozen_group(specs, group.spec))
    tensors = sum(len(group.parameters) for group in resolved)
    text = f"{fmt.format_count(total)} parameters in {tensors} tensors and {len(resolved)} groups"
    text += f", {fmt.format_count(frozen)} of them frozen" if frozen else ""
    layers = "layer" if model.layers == 1 else "layers"
    shared = ", weights shared" if model.shared_layers else ""
    return Text(
        f"\n{text} · {fmt.sanitize_text(model.name)}: {model.layers} {layers}{shared}", style="bold"
    )


def groups_object(
    model: ModelDescription, specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]
) -> dict[str, Any]:
    return {
        "model": {
            "name": model.name,
            "type": model.model_type,
            "layers": model.layers,
            "shared_layers": model.shared_layers,
            "hidden_size": model.hidden_size,
        },
        "parameters": sum(group.element_count for group in resolved),
        "groups": [
            _param_group_object(specs, level) for level in split_into_param_groups(resolved)
        ],
    }


def _param_group_object(specs: Sequence[GroupSpec], level: ParamGroup) -> dict[str, Any]:
    """Describe a param group: a group, or one layer of it where its layers differ."""
    return {
        "name": level.name,
        "lr": setting_to_plain_value(param_group_setting(specs, level)),
        "weight_decay": setting_to_plain_value(level.group.weight_decay),
        "size": sum(parameter.element_count for parameter in level.parameters),
        "parameters": [
            {
                "name": parameter.name,
                "shape": list(parameter.shape),
                "size": parameter.element_count,
            }
            for parameter in level.parameters
        ],
    }

"""`tuner groups`: every parameter of a model, the group it is in, and that group's rate."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tuner.cli.making import DEFAULT_PRESET, model_name
from tuner.cli.output import note, show, show_json, working
from tuner.cli.places import sessions_root
from tuner.errors import TunerError
from tuner.recipe.findings import ModelDescription
from tuner.recipe.fitted_rates import fitted_groups
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import load, plain_value
from tuner.recipe.model_shape import ModelShape
from tuner.recipe.presets import preset_document
from tuner.recipe.rates import Level, is_frozen, level_setting, levels, rounded
from tuner.recipe.types import (
    Choices,
    GroupSpec,
    Parameter,
    Range,
    Recipe,
    ResolvedGroup,
    Setting,
)
from tuner.results import format as fmt
from tuner.session.best import cached_model
from tuner.session.folder import Session, list_sessions

ALMOST = 0.75


def groups(options: argparse.Namespace) -> int:
    """The groups of a session's recipe in its model, or of a preset's in any model."""
    model, specs = _model_and_groups(options)
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(specs, parameters)
    if options.json:
        show_json(as_object(model, specs, resolved))
        return 0
    show(groups_table(specs, resolved))
    show(total_line(model, specs, resolved))
    return 0


def _model_and_groups(options: argparse.Namespace) -> tuple[ModelDescription, Sequence[GroupSpec]]:
    session = _session_named(options)
    if session is not None:
        recipe = load(session.recipe_path)
        return _model_of(session, recipe), recipe.groups
    _refuse_typo(options)
    name = options.preset or DEFAULT_PRESET
    document = preset_document(name)
    with working(f"reading the shape of {options.name}"):
        model = _described(options)
    shape = ModelShape(model.model_type, model.hidden_size, model.layers)
    own_model = document.get("model.name") is not None
    specs = document.groups() if own_model else fitted_groups(document.groups(), shape)
    if options.preset is None:
        note(f"{options.name} is no session: the groups of the preset {name} are shown")
    return model, specs


def _model_of(session: Session, recipe: Recipe) -> ModelDescription:
    """The model's shape as a worker found it, else as a child process does now."""
    from tuner.worker.inspect import describe_model

    found = cached_model(session)
    if found is not None and found.name == recipe.model.name:
        return found
    with working(f"reading the shape of {recipe.model.name}"):
        return describe_model(recipe)


def _session_named(options: argparse.Namespace) -> Session | None:
    """The session of this name; None where the name is a model's."""
    found = [s for s in list_sessions(sessions_root(options)) if s.name == options.name]
    return None if options.preset or not found else found[0]


def _described(options: argparse.Namespace) -> ModelDescription:
    from tuner.worker.inspect import describe_model

    try:
        return describe_model(model_name(options.name))
    except TunerError as error:
        if _is_a_models(options.name):
            raise
        raise TunerError(f"no session {options.name}; as a model: {error}") from error


def _is_a_models(name: str) -> bool:
    """Whether no session can have this name, or a folder has it."""
    return "/" in name or os.path.isdir(name)


def _refuse_typo(options: argparse.Namespace) -> None:
    """A name that is almost a session's is not looked up on the hub, which takes its time."""
    if options.preset or _is_a_models(options.name):
        return
    names = [session.name for session in list_sessions(sessions_root(options))]
    near = difflib.get_close_matches(options.name, names, n=1, cutoff=ALMOST)
    if near:
        raise TunerError(
            f"no session {options.name}; did you mean {near[0]}? "
            f"(if it is a model: --preset {DEFAULT_PRESET})"
        )


def groups_table(specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]) -> Table:
    """One row a parameter, group after group."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("PARAMETER", no_wrap=True)
    table.add_column("SHAPE", justify="right", no_wrap=True)
    table.add_column("SIZE", justify="right", no_wrap=True)
    table.add_column("GROUP", no_wrap=True)
    table.add_column("LEARNING RATE", no_wrap=True)
    for level in levels(resolved):
        name, rate = fmt.plain(level.group.name), rate_text(rounded(level_setting(specs, level)))
        for parameter in level.parameters:
            shape = "×".join(map(str, parameter.shape)) or "scalar"
            size = fmt.count(parameter.size)
            table.add_row(fmt.plain(parameter.name), shape, size, name, rate)
    return table


def rate_text(setting: Setting) -> str:
    """`1e-6…5e-5 log`, `4e-5`, `frozen`, or the choices."""
    match setting:
        case Range(low=low, high=high, scale=scale):
            return f"{fmt.bound(low)}…{fmt.bound(high)} {scale}"
        case Choices(values=values):
            return " or ".join(rate_text(value) for value in values)
        case str():
            return setting
    return fmt.bound(float(setting))


def total_line(
    model: ModelDescription, specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]
) -> Text:
    """How many parameters, in how many groups, and how many are frozen."""
    total = sum(group.size for group in resolved)
    frozen = sum(group.size for group in resolved if is_frozen(specs, group.spec))
    tensors = sum(len(group.parameters) for group in resolved)
    text = f"{fmt.count(total)} parameters in {tensors} tensors and {len(resolved)} groups"
    text += f", {fmt.count(frozen)} of them frozen" if frozen else ""
    layers = "layer" if model.layers == 1 else "layers"
    shared = ", weights shared" if model.shared_layers else ""
    return Text(
        f"\n{text} · {fmt.plain(model.name)}: {model.layers} {layers}{shared}", style="bold"
    )


def as_object(
    model: ModelDescription, specs: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]
) -> dict[str, Any]:
    """The same as one JSON-able object."""
    return {
        "model": {
            "name": model.name,
            "type": model.model_type,
            "layers": model.layers,
            "shared_layers": model.shared_layers,
            "hidden_size": model.hidden_size,
        },
        "parameters": sum(group.size for group in resolved),
        "groups": [_group_object(specs, level) for level in levels(resolved)],
    }


def _group_object(specs: Sequence[GroupSpec], level: Level) -> dict[str, Any]:
    """A group, or where its layers differ one layer of it."""
    return {
        "name": level.name,
        "lr": plain_value(level_setting(specs, level)),
        "weight_decay": plain_value(level.group.weight_decay),
        "size": sum(parameter.size for parameter in level.parameters),
        "parameters": [
            {"name": parameter.name, "shape": list(parameter.shape), "size": parameter.size}
            for parameter in level.parameters
        ],
    }

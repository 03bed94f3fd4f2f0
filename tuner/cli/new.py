"""`tuner new`: a session folder with its recipe, from a preset and the options."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from tuner.cli.column_guess import Columns, resolve_columns, split_columns
from tuner.cli.file_preview import read_file_preview
from tuner.cli.output import print_note, print_result_line
from tuner.cli.session_lookup import sessions_root
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.field_parsers import Location
from tuner.recipe.model_rates import scale_rates_to_model
from tuner.recipe.model_shape import describe_rate_source, infer_model_shape
from tuner.recipe.numbers import parse_number_text
from tuner.recipe.presets import preset_document
from tuner.recipe.schema import DATA
from tuner.recipe.types import Recipe
from tuner.recipe.user_paths import (
    find_working_folder,
    is_unused_path,
    near_path_hint,
    require_utf8,
    resolve_absolute_path,
    resolve_user_path,
    why_file_is_unreadable,
    why_folder_is_unreadable,
)
from tuner.results.format import format_percent, format_range_end
from tuner.session.folder import check_new_session_name, create_session, find_session
from tuner.training.decisions import decision_line
from tuner.training.dialect import DialectKeys
from tuner.training.sources import (
    HUB,
    folder_advice,
    is_hub_source,
    is_saved_folder,
    splits_of_folder,
)

DEFAULT_PRESET = "groups"
DEFAULT_SHARE = 0.1


def create_new_session(options: argparse.Namespace) -> int:
    """Create the session, say what was guessed, and print its folder."""
    check_new_session_name(options.name)
    root = sessions_root(options)
    document = _starting_recipe(options)
    remarks = fill_in_recipe(document, options)
    _require_key(
        document, "model.name", "--model M: a folder, or a model's id such as roberta-base"
    )
    _require_key(document, "data.train", "--train FILE")
    check_data_files(document.parse_recipe())
    session = create_session(root, options.name, document.toml_text)
    for remark in remarks:
        print_note(remark)
    check, run = (session_command_line(command, options) for command in ("check", "run"))
    print_note(f"next: {check}, then {run}")
    print_result_line(str(session.path))
    return 0


def _starting_recipe(options: argparse.Namespace) -> RecipeDocument:
    """Load what the options change: a preset, or another session's recipe."""
    if options.source is None:
        return preset_document(options.preset or DEFAULT_PRESET)
    if options.preset is not None:
        raise TunerError("--from copies a whole recipe: it cannot be combined with --preset")
    return RecipeDocument.from_file(
        find_session(sessions_root(options), options.source).recipe_path
    )


def _require_key(document: RecipeDocument, key: str, option: str) -> None:
    """Raise TunerError if the preset leaves a key open and no option gives it."""
    if document.get_value(key) is None:
        raise TunerError(f"the preset does not set {key}: give {option}")


def session_command_line(command: str, options: argparse.Namespace) -> str:
    """Return the call of another command on the same session."""
    folder = f" --sessions {shlex.quote(options.sessions)}" if options.sessions else ""
    return f"tuner {command} {options.name}{folder}"


def fill_in_recipe(document: RecipeDocument, options: argparse.Namespace) -> list[str]:
    """Write the options into the recipe; return a remark for each guess."""
    open_model = document.get_value("model.name") is None
    if options.model:
        document.set_value("model.name", resolve_model_name(options.model))
    if document.get_value("data.root") is None:
        document.set_value("data.root", str(find_working_folder()))
    # Before the data is looked at, which such keys say how to read, and once more to win.
    _apply_set_options(document, options)
    remarks = (
        _fill_in_data_keys(document, options) if options.train else _refuse_orphan_options(options)
    )
    if options.trials:
        document.set_value("search.trials", options.trials)
    _apply_set_options(document, options)
    if open_model and document.get_value("model.name") is not None:
        remarks += _adapt_rate_ranges(document)
    return remarks


def _apply_set_options(document: RecipeDocument, options: argparse.Namespace) -> None:
    for expression in options.set:
        document.set_expression(expression)


def _adapt_rate_ranges(document: RecipeDocument) -> list[str]:
    """Center the ranges on the usual rate of the model's kind, except those that --set gives."""
    name = document.get_value("model.name")
    shape = infer_model_shape(str(name))
    if shape is None:
        return [f"the model type of {name} is not known yet: rate ranges are centered on 2e-5"]
    if not scale_rates_to_model(document, shape):
        return []
    rate = format_range_end(shape.published_recipe.rate)
    return [f"rate ranges are centered on {rate}, {describe_rate_source(shape)}"]


def _refuse_orphan_options(options: argparse.Namespace) -> list[str]:
    orphans = [
        f"--{name}"
        for name in ("validation", "test", "holdout", "text", "label")
        if getattr(options, name) is not None
    ]
    if orphans:
        raise TunerError(f"{orphans[0]} needs --train FILE")
    return []


def _fill_in_data_keys(document: RecipeDocument, options: argparse.Namespace) -> list[str]:
    remarks: list[str] = []
    train = resolve_data_source(options.train, "--train")
    document.set_value("data.train", train)
    columns = _resolve_data_columns(document, train, options, remarks)
    document.set_value("data.validation", _validation_source(options.validation, train, remarks))
    document.set_value("data.text", list(columns.text))
    document.set_value("data.label", columns.label)
    if options.test is not None:
        document.set_value("data.test", resolve_data_source(options.test, "--test"))
    if options.holdout is not None:
        document.set_value("data.holdout", options.holdout)
    return remarks


def _resolve_data_columns(
    document: RecipeDocument, train: str, options: argparse.Namespace, remarks: list[str]
) -> Columns:
    name = train if is_hub_source(train) else Path(train).name
    if is_hub_source(train) and None not in (options.text, options.label):
        # To look into it may be to download it.
        return Columns(split_columns(options.text), options.label)
    try:
        preview = read_file_preview(
            train, document.get_value("data.root"), _file_dialect_keys(document)
        )
    except TunerError as error:
        hint = (
            "; give --text and --label to skip this look at the data"
            if is_hub_source(train)
            else ""
        )
        raise TunerError(f"{error}{hint}") from None
    columns = resolve_columns(preview, name, options.text, options.label)
    if preview.decisions:
        remarks.append(decision_line(name, preview.decisions))
    guessed = []
    if options.text is None:
        guessed.append(f"text {' + '.join(map(str, columns.text))}")
    if options.label is None:
        guessed.append(f"label {columns.label}")
    if guessed:
        remarks.append(f"guessed from {name}: {', '.join(guessed)}")
    return columns


def _file_dialect_keys(document: RecipeDocument) -> DialectKeys:
    """Return what --set and the preset say about the file format."""
    names = ("separator", "header", "quotes", "encoding")
    written = {name: document.get_value(f"data.{name}") for name in names}
    return DialectKeys(
        **{
            name: DATA[name].parse_setting(value, Location("", f"data.{name}"))
            for name, value in written.items()
            if value is not None
        }
    )


def _validation_source(argument: str | None, train: str, remarks: list[str]) -> str | float:
    if argument is None:
        others = other_saved_splits(train)
        more = f" ({', '.join(others)} also exist)" if others else ""
        share_text = f"{format_percent(DEFAULT_SHARE)} of the training rows are set aside"
        remarks.append(f"no --validation: {share_text}{more}")
        return DEFAULT_SHARE
    number = parse_number_text(argument)
    if number is None:
        return resolve_data_source(argument, "--validation")
    if not 0 < number < 1:
        raise TunerError(f"--validation {argument} is not a share between 0 and 1, such as 0.1")
    return number


def resolve_data_source(argument: str, option: str) -> str:
    """Return what was given as the recipe writes it: an existing file, or a split of a data set.

    A folder written by save_to_disk stands for the split that the option is for. Raises
    TunerError.
    """
    if is_hub_source(argument):
        return argument
    path = resolve_user_path(argument, option)
    if why_folder_is_unreadable(path) is None and is_saved_folder(path):
        splits = splits_of_folder(path)
        split = option.removeprefix("--")
        if splits and split not in splits:
            raise TunerError(f"{option} {argument}: {folder_advice(path, argument)}")
        return f"{HUB}{argument}:{split}"
    trouble = why_file_is_unreadable(path)
    if trouble is not None:
        inside = ("train",) if os.path.isdir(path) else ()
        hint = near_path_hint(os.path.join(argument, *inside), path.joinpath(*inside), Path.is_file)
        raise TunerError(f"{option} {argument}: {trouble}{hint}")
    return str(path)


def other_saved_splits(train: str) -> list[str]:
    """Return the other splits of a saved folder, written as data.validation takes them."""
    name, _, split = train.removeprefix(HUB).rpartition(":")
    if (
        not is_hub_source(train)
        or not name
        or not is_saved_folder(resolve_user_path(name, "--train"))
    ):
        return []
    splits = splits_of_folder(resolve_user_path(name, "--train"))
    return [f"{HUB}{name}:{split_name}" for split_name in splits if split_name != split]


def check_data_files(recipe: Recipe) -> None:
    """Raise TunerError for missing files that the preset or --set names."""
    data = recipe.data
    sources = {"train": data.train, "validation": data.validation, "test": data.test}
    for key, source in sources.items():
        if isinstance(source, str) and not is_hub_source(source):
            path = resolve_user_path(source, f"data.{key}", data.root)
            trouble = why_file_is_unreadable(path)
            if trouble is not None:
                raise TunerError(f"data.{key}: {path}: {trouble}; give --{key} FILE")


def resolve_model_name(argument: str) -> str:
    """Return a folder as an absolute path, anything else as the id of a model on the hub."""
    path = resolve_user_path(argument, "--model")
    trouble = why_folder_is_unreadable(path)
    if trouble is None:
        return require_utf8(str(resolve_absolute_path(path)), "--model")
    if argument.startswith(("/", "./", "../", "~")) or not (
        is_unused_path(path) or os.path.isfile(path)
    ):
        raise TunerError(f"--model {argument}: {trouble}")
    return argument

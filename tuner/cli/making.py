"""`tuner new`: a session folder with its recipe, from a preset and the options."""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
from pathlib import Path

from tuner.cli.guess import Columns, data_columns, split_columns
from tuner.cli.output import note, show_line
from tuner.cli.peek import peek
from tuner.cli.places import sessions_root
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.fitted_rates import fit_rates
from tuner.recipe.model_shape import rate_source, shape_of_model
from tuner.recipe.numbers import read_number
from tuner.recipe.presets import preset_document
from tuner.recipe.readers import Place
from tuner.recipe.schema import DATA
from tuner.recipe.types import Recipe
from tuner.recipe.user_paths import (
    absolute_path,
    file_trouble,
    folder_trouble,
    is_free,
    refuse_other_bytes,
    working_folder,
    written_path,
)
from tuner.results.format import bound
from tuner.session.folder import check_new_name, create_session, open_session
from tuner.training.decisions import decision_line
from tuner.training.dialect import DialectKeys
from tuner.training.sources import (
    HUB,
    folder_advice,
    is_hub,
    is_saved_folder,
    splits_of_folder,
)

DEFAULT_PRESET = "groups"
DEFAULT_SHARE = 0.1


def new(options: argparse.Namespace) -> int:
    """Create the session, say what was guessed, and print the folder."""
    check_new_name(options.name)
    root = sessions_root(options)
    document = _first_recipe(options)
    remarks = fill_in(document, options)
    _need(document, "model.name", "--model M: a folder, or a model's id such as roberta-base")
    _need(document, "data.train", "--train FILE")
    check_files(document.recipe())
    session = create_session(root, options.name, document.text)
    for remark in remarks:
        note(remark)
    note(f"next: {command_line('check', options)}, then {command_line('run', options)}")
    show_line(str(session.path))
    return 0


def _first_recipe(options: argparse.Namespace) -> RecipeDocument:
    """What the options change: a preset, or the recipe of another session."""
    if options.source is None:
        return preset_document(options.preset or DEFAULT_PRESET)
    if options.preset is not None:
        raise TunerError("--from takes a whole recipe, so there is nothing for --preset to add")
    return RecipeDocument.load(open_session(sessions_root(options), options.source).recipe_path)


def _need(document: RecipeDocument, key: str, option: str) -> None:
    """What the preset leaves open has to come from an option."""
    if document.get(key) is None:
        raise TunerError(f"the preset leaves {key} open: give {option}")


def command_line(command: str, options: argparse.Namespace) -> str:
    """How to call another command on the same session."""
    folder = f" --sessions {shlex.quote(options.sessions)}" if options.sessions else ""
    return f"tuner {command} {options.name}{folder}"


def fill_in(document: RecipeDocument, options: argparse.Namespace) -> list[str]:
    """Write the options into the recipe; returns what was decided without being asked."""
    open_model = document.get("model.name") is None
    if options.model:
        document.set("model.name", model_name(options.model))
    if document.get("data.root") is None:
        document.set("data.root", str(working_folder()))
    # Before the data is looked at, which such keys say how to read, and once more to win.
    _set_keys(document, options)
    remarks = _fill_in_data(document, options) if options.train else _refuse_orphans(options)
    if options.trials:
        document.set("search.trials", options.trials)
    _set_keys(document, options)
    if open_model and document.get("model.name") is not None:
        remarks += _fit_rates(document)
    return remarks


def _set_keys(document: RecipeDocument, options: argparse.Namespace) -> None:
    for expression in options.set:
        document.set_expression(expression)


def _fit_rates(document: RecipeDocument) -> list[str]:
    """Ranges round the rate of the model's kind, as far as --set has left them to the preset."""
    name = document.get("model.name")
    shape = shape_of_model(str(name))
    if shape is None:
        return [f"the kind of model of {name} is not known yet: rates are laid round 2e-5"]
    if not fit_rates(document, shape):
        return []
    return [f"rates are laid round {bound(shape.published.rate)}, {rate_source(shape)}"]


def _refuse_orphans(options: argparse.Namespace) -> list[str]:
    orphans = [
        f"--{name}"
        for name in ("validation", "test", "holdout", "text", "label")
        if getattr(options, name) is not None
    ]
    if orphans:
        raise TunerError(f"{orphans[0]} without --train FILE")
    return []


def _fill_in_data(document: RecipeDocument, options: argparse.Namespace) -> list[str]:
    remarks: list[str] = []
    train = data_source(options.train, "--train")
    document.set("data.train", train)
    columns = _columns(document, train, options, remarks)
    document.set("data.validation", _validation(options.validation, train, remarks))
    document.set("data.text", list(columns.text))
    document.set("data.label", columns.label)
    if options.test is not None:
        document.set("data.test", data_source(options.test, "--test"))
    if options.holdout is not None:
        document.set("data.holdout", options.holdout)
    return remarks


def _columns(
    document: RecipeDocument, train: str, options: argparse.Namespace, remarks: list[str]
) -> Columns:
    name = train if is_hub(train) else Path(train).name
    if is_hub(train) and None not in (options.text, options.label):
        # To look into it may be to download it.
        return Columns(split_columns(options.text), options.label)
    try:
        seen = peek(train, document.get("data.root"), _dialect_keys(document))
    except TunerError as error:
        hint = "; give --text and --label to go on without a look" if is_hub(train) else ""
        raise TunerError(f"{error}{hint}") from None
    columns = data_columns(seen, name, options.text, options.label)
    if seen.decisions:
        remarks.append(decision_line(name, seen.decisions))
    guessed = []
    if options.text is None:
        guessed.append(f"text {' + '.join(map(str, columns.text))}")
    if options.label is None:
        guessed.append(f"label {columns.label}")
    if guessed:
        remarks.append(f"guessed from {name}: {', '.join(guessed)}")
    return columns


def _dialect_keys(document: RecipeDocument) -> DialectKeys:
    """What --set and the preset say about the form of the files."""
    names = ("separator", "header", "quotes", "encoding")
    written = {name: document.get(f"data.{name}") for name in names}
    return DialectKeys(
        **{
            name: DATA[name].read(value, Place("", f"data.{name}"))
            for name, value in written.items()
            if value is not None
        }
    )


def _validation(given: str | None, train: str, remarks: list[str]) -> str | float:
    if given is None:
        others = other_splits(train)
        more = f" (there are {', '.join(others)} too)" if others else ""
        share_text = f"{DEFAULT_SHARE:.0%} of the training rows are set aside"
        remarks.append(f"no --validation: {share_text}{more}")
        return DEFAULT_SHARE
    number = read_number(given)
    if number is None:
        return data_source(given, "--validation")
    if not 0 < number < 1:
        raise TunerError(f"--validation {given} is not a share between 0 and 1, such as 0.1")
    return number


def data_source(given: str, option: str) -> str:
    """What was given as the recipe has it: a file that is there, or a split of a data set.

    A folder that save_to_disk wrote stands for the split that the option is for. Raises TunerError.
    """
    if is_hub(given):
        return given
    path = written_path(given, option)
    if folder_trouble(path) is None and is_saved_folder(path):
        splits = splits_of_folder(path)
        split = option.removeprefix("--")
        if splits and split not in splits:
            raise TunerError(f"{option} {given}: {folder_advice(path, given)}")
        return f"{HUB}{given}:{split}"
    trouble = file_trouble(path)
    if trouble is not None:
        near = _near(path / "train" if os.path.isdir(path) else path)
        raise TunerError(f"{option} {given}: {trouble}{near}")
    return str(path)


def other_splits(train: str) -> list[str]:
    """The other splits of a saved folder, as one would name them in data.validation."""
    name, _, split = train.removeprefix(HUB).rpartition(":")
    if not is_hub(train) or not name or not is_saved_folder(written_path(name, "--train")):
        return []
    splits = splits_of_folder(written_path(name, "--train"))
    return [f"{HUB}{name}:{other}" for other in splits if other != split]


def check_files(recipe: Recipe) -> None:
    """Refuse files that are not there: those that the preset or --set names."""
    data = recipe.data
    sources = {"train": data.train, "validation": data.validation, "test": data.test}
    for key, source in sources.items():
        if isinstance(source, str) and not is_hub(source):
            path = written_path(source, f"data.{key}", data.root)
            trouble = file_trouble(path)
            if trouble is not None:
                raise TunerError(f"data.{key}: {path}: {trouble}; give --{key} FILE")


def _near(path: Path) -> str:
    """A file beside `path` with a name like it."""
    if folder_trouble(path.parent) is not None:
        return ""
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    match = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    return f"; did you mean {path.parent / match[0]}?" if match else ""


def model_name(given: str) -> str:
    """A folder as an absolute path, anything else as the id of a model on the hub."""
    path = written_path(given, "--model")
    trouble = folder_trouble(path)
    if trouble is None:
        return refuse_other_bytes(str(absolute_path(path)), "--model")
    if given.startswith(("/", "./", "../", "~")) or not (is_free(path) or os.path.isfile(path)):
        raise TunerError(f"--model {given}: {trouble}")
    return given

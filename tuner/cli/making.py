"""`tuner new`: a session folder with its recipe, from a preset and the options."""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
from pathlib import Path

from tuner.cli.guess import Columns, data_columns
from tuner.cli.output import note, show_line
from tuner.cli.parsing import share
from tuner.cli.places import sessions_root
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.presets import preset_document
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
from tuner.session.folder import check_name, create_session

DEFAULT_PRESET = "groups"
DEFAULT_SHARE = 0.1
KINDS = (".jsonl", ".csv", ".tsv", ".parquet")
HUB = "hub:"


def new(options: argparse.Namespace) -> int:
    """Create the session, say what was guessed, and print the folder."""
    check_name(options.name)
    root = sessions_root(options)
    document = preset_document(options.preset or DEFAULT_PRESET)
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
    if options.model:
        document.set("model.name", model_name(options.model))
    if document.get("data.root") is None:
        document.set("data.root", str(working_folder()))
    remarks = _fill_in_data(document, options) if options.train else _refuse_orphans(options)
    if options.trials:
        document.set("search.trials", options.trials)
    for expression in options.set:
        document.set_expression(expression)
    return remarks


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
    columns = _columns(options, remarks)
    document.set("data.train", data_file(options.train, "--train"))
    document.set("data.validation", _validation(options.validation, remarks))
    document.set("data.text", list(columns.text))
    document.set("data.label", columns.label)
    if options.test is not None:
        document.set("data.test", data_file(options.test, "--test"))
    if options.holdout is not None:
        document.set("data.holdout", options.holdout)
    return remarks


def _columns(options: argparse.Namespace, remarks: list[str]) -> Columns:
    train = Path(data_file(options.train, "--train"))
    columns = data_columns(train, options.text, options.label)
    guessed = []
    if options.text is None:
        guessed.append(f"text {' + '.join(map(str, columns.text))}")
    if options.label is None:
        guessed.append(f"label {columns.label}")
    if guessed:
        kind = ", which has no header" if isinstance(columns.label, int) else ""
        remarks.append(f"guessed from {train.name}{kind}: {', '.join(guessed)}")
    return columns


def _validation(given: str | None, remarks: list[str]) -> str | float:
    if given is None:
        remarks.append(f"no --validation: {DEFAULT_SHARE:.0%} of the training rows are set aside")
        return DEFAULT_SHARE
    try:
        return share(given)
    except argparse.ArgumentTypeError as error:
        if _looks_like_number(given):
            raise TunerError(f"--validation {error}") from error
    return data_file(given, "--validation")


def _looks_like_number(text: str) -> bool:
    return text.removesuffix("%").replace(".", "", 1).lstrip("+-").isdigit()


def data_file(given: str, option: str) -> str:
    """The path as given, if there is such a file; raises TunerError with a near one."""
    if given.startswith(HUB):
        return given
    path = written_path(given, option)
    trouble = file_trouble(path)
    if trouble is not None:
        near = _near(path / "train" if os.path.isdir(path) else path)
        raise TunerError(f"{option} {given}: {trouble}{near}")
    if path.suffix.lower() not in KINDS:
        raise TunerError(f"{option} {given}: the name must end in one of {', '.join(KINDS)}")
    return str(path)


def check_files(recipe: Recipe) -> None:
    """Refuse files that are not there: those that the preset or --set names."""
    data = recipe.data
    sources = {"train": data.train, "validation": data.validation, "test": data.test}
    for key, source in sources.items():
        if isinstance(source, str) and not source.startswith(HUB):
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

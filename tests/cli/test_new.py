"""`tuner new`: what is guessed, what is stored, what is said."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer, Tuner
from tuner.cli.column_guess import Columns, guess_columns
from tuner.cli.file_preview import read_file_preview
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Range, Recipe

SENTENCES = [f"this is sentence number {n}" for n in range(12)]
CLASSES = ["no", "yes", "no", "no", "yes", "yes"] * 2


def rows(**columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows with these columns."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def write_jsonl(path: str, table: Sequence[Mapping[str, Any]]) -> str:
    """Write these rows to a .jsonl file."""
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in table))
    return path


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        (("text", "label"), ("text",), "label"),
        (("Sentence", "Label"), ("Sentence",), "Label"),
        (("idx", "premise", "hypothesis", "label"), ("premise", "hypothesis"), "label"),
        (("sentence1", "sentence2", "target"), ("sentence1", "sentence2"), "target"),
        (("question", "sentence", "label"), ("question", "sentence"), "label"),
        (("text", "label", "fine_label"), ("text",), "label"),
        (("id", "headline", "class"), ("headline",), "class"),
    ],
)
def test_columns_by_name(columns: tuple[str, ...], text: tuple[str, ...], label: str) -> None:
    cells = {name: CLASSES if "label" in name.lower() else SENTENCES for name in columns}
    preview = read_file_preview(write_jsonl("train.jsonl", rows(**cells)))
    assert guess_columns(preview) == Columns(text, label)


@pytest.mark.parametrize(
    "columns", [("one", "two", "label"), ("one", "two", "three"), ("label",), ("a", "b")]
)
def test_no_guess_where_there_is_a_doubt(columns: tuple[str, ...]) -> None:
    table = rows(**dict.fromkeys(columns, SENTENCES))
    assert guess_columns(read_file_preview(write_jsonl("train.jsonl", table))) is None


def test_a_file_of_two_columns_without_a_header() -> None:
    pairs = zip(SENTENCES, "010101010101", strict=True)
    Path("train.tsv").write_text("".join(f"{text}\t{label}\n" for text, label in pairs))
    assert guess_columns(read_file_preview("train.tsv")) == Columns((0,), 1)


def test_a_header_is_seen_and_quotes_are_read() -> None:
    lines = [f'"{text}, or ""so""",{label}' for text, label in zip(SENTENCES, CLASSES, strict=True)]
    Path("train.csv").write_text("\n".join(["Text,Intent", *lines]) + "\n")
    preview = read_file_preview("train.csv")
    assert preview.columns == ("Text", "Intent")
    assert preview.rows[0] == ('this is sentence number 0, or "so"', "no")
    assert guess_columns(preview) == Columns(("Text",), "Intent")


@pytest.fixture
def train() -> str:
    """Sentence pairs in the working folder."""
    table = rows(premise=SENTENCES, hypothesis=SENTENCES, label=CLASSES)
    return write_jsonl("train.jsonl", table)


def recipe_of_new_session(root: Path, answer: Answer) -> Recipe:
    """Load the recipe of the session that was just made."""
    assert (answer.code, answer.stderr.count("tuner:")) == (0, 0)
    assert Path(answer.stdout.strip()) == root / "fresh"
    return load_recipe(root / "fresh" / "recipe.toml")


def test_guesses_are_said_and_stored(tuner: Tuner, root: Path, train: str) -> None:
    answer = tuner("new", "fresh", "--model", "roberta-base", "--train", train)
    recipe = recipe_of_new_session(root, answer)
    assert "text premise + hypothesis, label label" in answer.stderr
    assert "10 % of the training rows are set aside" in answer.stderr
    assert f"tuner run fresh --sessions {root}" in answer.stderr
    assert recipe.data.text == ("premise", "hypothesis")
    assert recipe.data.validation == 0.1
    assert recipe.data.root == os.getcwd()
    assert recipe.preset == "groups"


def test_everything_given_is_stored_and_nothing_guessed(
    tuner: Tuner, root: Path, train: str
) -> None:
    answer = tuner(
        *("new", "fresh", "--model", "m", "--train", train, "--validation", train),
        *("--holdout", "50%", "--text", "premise,hypothesis", "--label", "label"),
        *("--trials", "7", "--preset", "basic", "--set", "training.batch_size=8"),
        *("--set", "groups.all.lr={low=1e-5,high=1e-4}", "--set", "search.metric=mcc"),
    )
    recipe = recipe_of_new_session(root, answer)
    assert "guessed" not in answer.stderr
    assert (recipe.data.validation, recipe.data.holdout) == (train, 0.5)
    assert (recipe.search.trials, recipe.search.metric) == (7, "mcc")
    assert recipe.training.batch_size == 8
    assert recipe.groups[0].lr == Range(1e-5, 1e-4, "log")


def test_columns_by_number(tuner: Tuner, root: Path) -> None:
    Path("train.tsv").write_text("".join(f"{text}\t0\t{text}\n" for text in SENTENCES))
    answer = tuner(
        *("new", "fresh", "--model", "m", "--train", "train.tsv", "--text", "0,2", "--label", "1")
    )
    data = recipe_of_new_session(root, answer).data
    assert (data.text, data.label) == ((0, 2), 1)


def test_a_model_folder_is_stored_as_an_absolute_path(tuner: Tuner, root: Path, train: str) -> None:
    Path("model").mkdir()
    answer = tuner("new", "fresh", "--model", "model", "--train", train)
    assert recipe_of_new_session(root, answer).model.name == str(Path("model").resolve())


def test_hub_data_needs_its_columns(tuner: Tuner, root: Path) -> None:
    line = ["new", "fresh", "--model", "m", "--train", "hub:aps/super_glue:rte:train"]
    assert "give --text and --label" in tuner(*line).stderr
    answer = tuner(*line, "--text", "premise,hypothesis", "--label", "label")
    assert recipe_of_new_session(root, answer).data.train == "hub:aps/super_glue:rte:train"


def test_the_folder_is_private(tuner: Tuner, root: Path, train: str) -> None:
    tuner("new", "fresh", "--model", "m", "--train", train)
    assert (root / "fresh").stat().st_mode & 0o777 == 0o700
    assert (root / "fresh" / "recipe.toml").stat().st_mode & 0o777 == 0o600


def test_a_recipe_can_be_that_of_another_session(tuner: Tuner, root: Path, train: str) -> None:
    tuner("new", "first", "--model", "m", "--train", train, "--set", "training.epochs=7")
    answer = tuner("new", "fresh", "--from", "first", "--set", "data.quotes=backslash")
    recipe = recipe_of_new_session(root, answer)
    assert (recipe.training.epochs, recipe.data.quotes) == (7, "backslash")
    assert recipe.data.train == train
    refused = tuner("new", "third", "--from", "first", "--preset", "basic")
    assert (refused.code, "cannot be combined with --preset" in refused.stderr) == (2, True)


def test_how_a_file_was_read_is_said_and_set_overrules_it(tuner: Tuner, root: Path) -> None:
    lines = [f"{text};{label}" for text, label in zip(SENTENCES, CLASSES, strict=True)]
    Path("train.txt").write_text("\n".join(["Satz;Klasse", *lines]))
    answer = tuner("new", "first", "--model", "m", "--train", "train.txt")
    assert "train.txt: separated by semicolons, with a header (Satz, Klasse)" in answer.stderr
    assert "text Satz, label Klasse" in answer.stderr
    keys = ("--set", "data.header=false", "--set", "data.separator=;")
    answer = tuner("new", "fresh", "--model", "m", "--train", "train.txt", *keys)
    data = recipe_of_new_session(root, answer).data
    assert (data.text, data.label, data.header, data.separator) == ((0,), 1, False, ";")

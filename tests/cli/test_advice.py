"""What messages advise exists: commands, options and keys, and suggestions that are no traps."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tuner
from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tuner.cli.catalog import COMMANDS
from tuner.cli.command_parsers import command_parser, top_level_parser
from tuner.cli.spelling import command_spelling_hint
from tuner.recipe.nearest import nearest_spelling
from tuner.recipe.schema import GROUP, SECTIONS
from tuner.session.folder import Session
from tuner.session.suggested_command import command_line

SOURCES = sorted(Path(tuner.__file__).parent.rglob("*.py"))
COMMAND = re.compile(r"tuner ([a-z]+)(?= (?:\{\}|NAME|--|[A-Z]{2,}))|`tuner ([a-z]+)")
KEY = re.compile(rf"(?<!tuner\.)\b({'|'.join(SECTIONS)})\.([a-z_]+)\b" + r"(?![.({0-9])")
GROUP_KEY = re.compile(r"\bgroups\.(?:NAME|head|\{\})\.([a-z_]+)")
FILES = {"safetensors", "py", "json", "jsonl", "csv", "tsv", "parquet", "key", "txt"}
FOREIGN = {"--storage"}


@cache
def texts() -> list[tuple[str, str]]:
    """List every string that is not a docstring, with {} for what is filled in."""
    return [*_texts_of_sources()]


def _texts_of_sources() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        bare |= {id(part) for node in joined for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in bare:
                    yield path.name, node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
                yield path.name, "".join(map(str, parts))


def test_every_command_that_is_advised_is_one() -> None:
    named = [
        (file, advised_command)
        for file, text in texts()
        for advised_command in COMMAND.findall(text)
    ]
    assert len(named) > 10
    assert [(file, pair) for file, pair in named if (pair[0] or pair[1]) not in COMMANDS] == []


def test_every_key_that_is_named_can_be_set() -> None:
    keys = [(file, *key_parts) for file, text in texts() for key_parts in KEY.findall(text)]
    assert len(keys) > 40
    assert [k for k in keys if k[2] not in SECTIONS[k[1]] and k[2] not in FILES] == []
    group_keys = {key for _, text in texts() for key in GROUP_KEY.findall(text)}
    assert group_keys <= {*GROUP, "lr"}


def test_every_option_that_is_named_is_one() -> None:
    known_options = {*top_level_parser().spellings, *FOREIGN}
    for spec in COMMANDS.values():
        known_options |= {*command_parser(spec).spellings, "--help"}
    named = {
        option
        for file, text in texts()
        if file not in ("build.py", "keybar.py")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+\b", text)
    }
    assert named - known_options == set()


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("rnu", "run"), ("stats", "status"), ("enque", "enqueue"), ("lst", "list"), ("ls", "list"),
        ("train", "run"), ("best", "show"), ("abort", "stop"), ("edit", "set"), ("view", "open"),
        ("evaluate", "test"), ("logs", "replay"),
    ],
)  # fmt: skip
def test_a_command_of_other_programs_is_known_by_what_it_does(typed: str, hint: str) -> None:
    assert command_spelling_hint(typed, COMMANDS) == f"; did you mean {hint}?"


@pytest.mark.parametrize("typed", ["remove", "rename", "reset", "exit", "import", "delete", "xyz"])
def test_what_only_looks_like_another_command_is_not_proposed(typed: str) -> None:
    assert "did you mean" not in command_spelling_hint(typed, COMMANDS)


@pytest.mark.parametrize(
    ("typed", "valid", "near"),
    [
        ("optimizer", ["time", "trials"], None), ("seed", ["split_seed", "text"], "split_seed"),
        ("n_trials", ["time", "trials"], "trials"), ("epoch", ["epochs", "precision"], "epochs"),
        ("x", ["text", "label"], None), ("rl", ["lr", "low"], "lr"),
    ],
)  # fmt: skip
def test_the_nearest_spelling_is_of_the_same_kind(
    typed: str, valid: list[str], near: str | None
) -> None:
    assert nearest_spelling(typed, valid) == near


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("lr=1e-4", "write groups."), ("training.lr=1e-4", "write groups."),
        ("foo.bar=1", "write SECTION.KEY"), ("epochs=3", 'did you mean "training.epochs"?'),
        ("groups.haed.lr=1", 'did you mean "groups.head.lr"?'),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_how_keys_are_written(tuner: Tuner, setting: str, says: str) -> None:
    answer = tuner("set", "draft", setting)
    assert says in answer.stderr
    assert len(answer.stderr) < 200


def test_advised_command_lines_find_the_session(
    tuner: Tuner, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = recorded_sessions.create_finished_session(tmp_path / "odd 'place", "there")
    words = shlex.split(command_line("status", session))
    assert words[:3] == ["tuner", "status", "there"]
    assert tuner(*words[1:]).code == 0
    assert command_line("run", Session(Path("sessions/x"))) == "tuner run x"
    monkeypatch.setenv("TUNER_SESSIONS", str(root))
    assert command_line("run", Session(root / "x")) == "tuner run x"

"""The readers of recipes, commands and events, given anything: they read it or refuse it."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.cli.recorded_sessions import RECIPE
from tests.faults.command_line import is_plain
from tests.faults.fault_counts import count_event
from tests.faults.test_inputs_recipes import KEYS
from tests.session.event_logs import story
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import load_recipe, parse_recipe, parse_toml, recipe_to_dict
from tuner.recipe.schema import SECTIONS
from tuner.recipe.toml_text import format_toml_value
from tuner.session import events as e
from tuner.session.codec import decode_event_line, encode_event_line
from tuner.session.fold import fold_events
from tuner.session.inbox import CommandReader
from tuner.session.view import SessionView

QUICK_EXAMPLES = 60
EXAMPLES_AT_ONCE = 500
LONG_SECONDS = float(os.environ.get("TUNER_FUZZ_SECONDS", "660"))
"""Of the long run, for all readers together."""

# ── recipes ──────────────────────────────────────────────────────────────────────────────────

PIECES = st.sampled_from(
    [b"[[groups]]\n", b"\n[model]\n", b'"', b"'''", b"= {", b"}", b"[", b"]", b"nan", b"\x00"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["frozen", "auto", "per-trial", "rest", "layers", "0-5", "2/4", "tpe"])
)  # fmt: skip
NAMES = st.sampled_from([*KEYS, "low", "high", "scale", "choices", "like", "times"]).map(
    lambda key: key.rsplit(".", 1)[-1]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def changed_recipes(draw: st.DrawFn) -> bytes:
    """Change some bytes of a recipe."""
    content = bytearray(RECIPE.encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(start + 12, len(content))))
        content[start:end] = draw(st.binary(max_size=12) | PIECES)
    return bytes(content)


def a_recipe_file_is_read_or_refused(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(content)
        file.flush()
        try:
            recipe = load_recipe(Path(file.name))
        except TunerError as error:
            is_plain(error, Path(file.name))
        else:
            assert parse_recipe(recipe_to_dict(recipe), "again") == recipe


def a_recipes_section_is_read_or_refused(section_and_tree: tuple[str, Any]) -> None:
    section, tree = section_and_tree
    plain = parse_toml(RECIPE, "recipe.toml") | {section: tree}
    try:
        recipe = parse_recipe(plain, "recipe.toml")
    except TunerError as error:
        is_plain(error)
    else:
        assert parse_recipe(recipe_to_dict(recipe), "again") == recipe


def an_expression_of_set_is_taken_or_refused(key_and_value: tuple[str, Any]) -> None:
    key, value = key_and_value
    document = RecipeDocument.from_text(RECIPE)
    try:
        document.set_expression(f"{key}={format_toml_value(value)}")
    except TunerError as error:
        is_plain(error)
        assert document.toml_text == RECIPE


# ── events, commands ─────────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
TOLD = [json.loads(encode_event_line(event)) for event in story()]
COMMANDS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["pause", "drain", "stop", "prune", "enqueue"]), "id": JSON},
    optional={"trial": JSON, "params": JSON, "time": JSON, "rerun_of": JSON, "copy_of": JSON},
)


@st.composite
def logs(draw: st.DrawFn) -> list[bytes]:
    """Events of a story, some of them with anything in the place of a field, in some order."""
    lines = []
    for number in draw(st.lists(st.integers(0, len(TOLD) - 1), max_size=25)):
        event = dict(TOLD[number])
        for key in draw(st.lists(st.sampled_from(sorted(event)), max_size=2)):
            event[key] = draw(JSON | st.sampled_from([10**30, -1, 1e300, 10**9, "\x1b[2J"]))
        lines.append(json.dumps(event).encode())
    return lines


def a_log_is_read(lines: list[bytes]) -> None:
    view = SessionView()
    log_events = [decode_event_line(line) for line in lines]
    fold_events(view, log_events)
    again = SessionView()
    for event in log_events:
        fold_events(again, [event])
    assert again == view
    for event in log_events:
        if not isinstance(event, e.Unknown):
            assert decode_event_line(encode_event_line(event)) == event


def a_command_file_is_read(pieces: list[bytes]) -> None:
    content = b"\n".join(pieces)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        tail = CommandReader(Path(file.name))
        commands = tail.read_new_commands()
    assert len(commands) + len(tail.bad_lines) <= content.count(b"\n")


# ── the runs ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reader:
    """What it is given, and what holds for all of it."""

    inputs: st.SearchStrategy[Any]
    holds: Callable[[Any], None]

    def try_inputs(self, number: int, start: int) -> None:
        """So many inputs, from this seed on."""
        tried = given(self.inputs)(self.holds)
        checks = list(HealthCheck)
        tried = settings(
            max_examples=number, deadline=None, database=None, suppress_health_check=checks
        )(tried)
        seed(start)(tried)()


READERS = {
    "recipes with changed bytes": Reader(changed_recipes(), a_recipe_file_is_read_or_refused),
    "sections of recipes": Reader(
        st.tuples(st.sampled_from([*SECTIONS, "groups", "preset"]), TREES),
        a_recipes_section_is_read_or_refused,
    ),
    "expressions of set": Reader(
        st.tuples(
            st.text(max_size=40) | st.sampled_from(KEYS), SCALARS.filter(lambda v: v is not None)
        ),
        an_expression_of_set_is_taken_or_refused,
    ),
    "logs": Reader(logs(), a_log_is_read),
    "files of commands": Reader(
        st.lists(
            st.binary(max_size=60) | (JSON | COMMANDS).map(lambda x: json.dumps(x).encode()),
            max_size=8,
        ),
        a_command_file_is_read,
    ),
}


@pytest.mark.parametrize("what", READERS)
def test_anything(what: str) -> None:
    READERS[what].try_inputs(QUICK_EXAMPLES, 0)
    count_event(f"fuzzed {what}", QUICK_EXAMPLES)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", READERS)
def test_anything_for_long(what: str) -> None:
    ends, start = time.monotonic() + LONG_SECONDS / len(READERS), 1
    while time.monotonic() < ends:
        READERS[what].try_inputs(EXAMPLES_AT_ONCE, start)
        count_event(f"fuzzed {what}", EXAMPLES_AT_ONCE)
        start += 1

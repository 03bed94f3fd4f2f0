"""Recipes that are wrong in every way: one line that names file and key, and nothing happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded_sessions import RECIPE, create_draft
from tests.faults.command_line import call, is_one_line, is_plain
from tests.faults.fault_counts import count_event
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import parse_recipe, parse_toml, recipe_to_dict
from tuner.recipe.schema import GROUP, SECTIONS
from tuner.worker import launch

CONTROL = "\x1b[31m\x00\u202e"

TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "blank": b" \n\n\t\n",
    "a comment": b"# recipe\n",
    "not TOML": b"model: roberta\n",
    "JSON": b'{"model": {"name": "x"}}',
    "a torn table": RECIPE.encode()[: RECIPE.index("[search]") - 12],
    "no end of text": b'[model]\nname = "tiny\n',
    "a table twice": RECIPE.encode() + b"\n[model]\nname = 'b'\n",
    "a key twice": b"[model]\nname = 'a'\nname = 'b'\n",
    "UTF-16": RECIPE.encode("utf-16"),
    "UTF-32": RECIPE.encode("utf-32"),
    "Latin-1": RECIPE.replace("tiny", "größe").encode("latin-1"),
    "NUL": RECIPE.encode().replace(b"tiny", b"ti\x00ny"),
    "only NUL": b"\x00" * 5000,
    "escapes": RECIPE.encode().replace(b"tiny", b"\x1b[2J"),
    "escapes in a key": RECIPE.encode().replace(b"[model]", b'[model]\n"\\u001b[2J" = 1'),
    "random bytes": bytes(range(256)) * 20,
    "CR alone": RECIPE.replace("\n", "\r").encode(),
    "a very long number": f"{RECIPE}\nseed = {'9' * 100_000}\n".encode(),
    "a very long float": f"{RECIPE}\nseed = 1e{'9' * 5_000}\n".encode(),
    "a very deep list": b"[model]\nname = " + b"[" * 20_000 + b"]" * 20_000,
    "a very deep table": b"[" + b".".join([b"a"] * 5_000) + b"]\nx = 1\n",
    "a very long key": b"[model]\n" + b"k" * 1_000_000 + b" = 1\n",
    "a very long name": RECIPE.encode().replace(b"body", b"b" * 1_000_000),
    "a list for a table": b"model = [1]\n",
    "a text for a table": b'model = "roberta-base"\n',
    "tables for a table": b'[[model]]\nname = "x"\n',
    "groups as table": RECIPE.encode().replace(b"[[groups]]", b"[groups]", 1),
    "groups as text": b'groups = "all"\n' + RECIPE.encode().replace(b"[[groups]]", b"[[more]]"),
    "no groups": RECIPE[: RECIPE.index("[[groups]]")].encode(),
    "an unknown section": RECIPE.encode() + b"\n[serch]\ntrials = 3\n",
    "a date": RECIPE.encode().replace(b"trials = 6", b"trials = 2020-01-01"),
    "a time": RECIPE.encode().replace(b"trials = 6", b"trials = 10:00:00"),
    "keys outside of a section": b"trials = 3\n" + RECIPE.encode(),
    "a preset of nobody": b'preset = "nobody"\n' + RECIPE.encode(),
    "a preset that is a number": b"preset = 3\n" + RECIPE.encode(),
    "two rests": RECIPE.encode() + b'[[groups]]\nname = "b"\nrest = true\nlr = 1.0\n',
    "a name twice": RECIPE.encode() + b'[[groups]]\nname = "head"\npart = "pooler"\nlr = 1.0\n',
    "no name": RECIPE.encode() + b'[[groups]]\npart = "pooler"\nlr = 1.0\n',
    "no rate": RECIPE.encode() + b'[[groups]]\nname = "p"\npart = "pooler"\n',
    "no selector": RECIPE.encode() + b'[[groups]]\nname = "p"\nlr = 1.0\n',
    "two selectors": RECIPE.encode() + b'[[groups]]\nname = "p"\npart="head"\nlayers="1"\nlr=1.0\n',
    "tied to itself": RECIPE.encode() + b'[[groups]]\nname="p"\npart="pooler"\nlr={like="p"}\n',
    "tied to nobody": RECIPE.encode() + b'[[groups]]\nname="p"\npart="pooler"\nlr={like="q"}\n',
    "a circle": RECIPE.encode()
    + b'[[groups]]\nname="p"\npart="pooler"\nlr={like="q"}\n'
    + b'[[groups]]\nname="q"\nlayers="99"\nlr={like="p"}\n',
    "a group as a number": b"groups = [1]\n",
    "test and holdout": RECIPE.encode().replace(
        b'label = "label"', b'label = "l"\ntest = "t.csv"\nholdout = 0.1'
    ),
    "mixed columns": RECIPE.encode().replace(b'text = "text"', b'text = ["a", "a"]'),
    "three columns": RECIPE.encode().replace(b'text = "text"', b'text = ["a", "b", "c"]'),
    "no train": RECIPE.encode().replace(b'train = "train.jsonl"', b""),
    "no label": RECIPE.encode().replace(b'label = "label"', b""),
    "no model": RECIPE.encode().replace(b'name = "tiny"', b""),
}  # fmt: skip

VALUES: dict[str, Any] = {
    "a word": "nonsense",
    "blank": "  ",
    "control characters": CONTROL,
    "a long text": "x" * 100_000,
    "true": True,
    "a negative number": -1,
    "a huge number": 10**18,
    "a negative fraction": -0.5,
    "a huge fraction": 1e300,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
    "an empty list": [],
    "a list": [1, "a", 2.5],
    "an empty table": {},
    "a table": {"low": 1},
    "a range upside down": {"low": 3, "high": 1},
    "a range of words": {"low": "a", "high": "b"},
    "a range from nowhere": {"low": float("-inf"), "high": float("nan")},
    "an odd scale": {"low": 1, "high": 2, "scale": "lgo"},
    "one choice": {"choices": [1]},
    "choices of anything": {"choices": [1, "a", [], {}]},
    "choices and range": {"choices": [1, 2], "low": 1},
    "a tie to nobody": {"like": "nobody", "times": -1},
}
KEYS = [f"{section}.{key}" for section, rules in SECTIONS.items() for key in rules]
KEYS += [f"groups.head.{key}" for key in GROUP]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_recipe_that_is_none(
    text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_spawn_worker_process", _must_not_start)
    session = create_draft(tmp_path)
    session.recipe_path.write_bytes(text)
    log = session.events_path.read_bytes()
    answer = call(tmp_path, "start", "draft")
    assert answer.code == 2
    is_one_line(answer.stderr)
    assert "recipe.toml" in answer.stderr
    assert session.recipe_path.read_bytes() == text
    assert session.events_path.read_bytes() == log
    for words in (("list",), ("status", "draft"), ("trials", "draft")):
        assert call(tmp_path, *words).code == 0, "a wrong recipe hides nothing"
    count_event("malformed recipes")


def _must_not_start(*_: object) -> None:
    raise AssertionError("a worker was started")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_with_every_wrong_value(key: str) -> None:
    section, *_, name = key.split(".")
    for value in VALUES.values():
        plain = _with(section, name, value)
        try:
            recipe = parse_recipe(plain, "recipe.toml")
        except TunerError as error:
            _names(str(error), name)
        else:
            assert parse_recipe(recipe_to_dict(recipe), "again") == recipe
    count_event("wrong values of a recipe's keys", len(VALUES))


def _names(message: str, key: str) -> None:
    assert message.startswith("recipe.toml: "), message
    assert key in message, message
    assert message.isprintable(), repr(message)
    assert len(message) < 600, len(message)


def _with(section: str, key: str, value: Any) -> dict[str, Any]:
    recipe = parse_toml(RECIPE, "recipe.toml")
    if section != "groups":
        recipe.setdefault(section, {})[key] = value
        return recipe
    head = next(group for group in recipe["groups"] if group["name"] == "head")
    if key in ("part", "layers", "params", "rest"):
        del head["part"]
    head[key] = value
    return recipe


@pytest.mark.parametrize(
    "key", [pytest.param(k, marks=[pytest.mark.long] * bool(n % 6)) for n, k in enumerate(KEYS)]
)
def test_every_key_set_to_every_wrong_value_leaves_the_text_alone(key: str) -> None:
    for value in VALUES.values():
        document = RecipeDocument.from_text(RECIPE)
        try:
            document.set_value(key, value)
        except TunerError as error:
            is_plain(error)
            assert document.toml_text == RECIPE
        else:
            parse_toml(document.toml_text, "again")

"""Names say what things are: the measures that the project holds itself to."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tuner"
VAGUE = frozenset(
    {
        "found",
        "known",
        "wanted",
        "told",
        "seen",
        "kept",
        "held",
        "made",
        "here",
        "there",
        "one",
        "each",
        "rest",
        "every",
        "own",
        "shown",
        "drawn",
        "chosen",
        "left",
        "said",
        "at",
        "out",
        "other",
        "than",
        "into",
        "by",
        "of",
        "asked",
        "given",
        "taken",
    }
)
PARTICIPLE = re.compile(
    r"[a-z]*ed|told|seen|kept|held|made|shown|drawn|chosen|left|said|found|known|written|given|taken"
)
NOT_PARTICIPLES = frozenset({"bed", "embed", "need", "red", "seed", "shed", "speed"})
SAME_NAME_ALLOWED = {"__init__.py", "__main__.py"}
"""What Python itself looks for."""


def all_nodes() -> Iterator[ast.AST]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def assigned_names() -> list[str]:
    names = (node for node in all_nodes() if isinstance(node, ast.Name))
    return [node.id for node in names if isinstance(node.ctx, ast.Store)]


def function_names() -> list[str]:
    functions = (
        node for node in all_nodes() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [node.name.strip("_") for node in functions if not node.name.startswith("__")]


def test_functions_are_named_by_what_they_do() -> None:
    names = function_names()
    assert sum(map(len, names)) / len(names) >= 12
    participles = [name for name in names if PARTICIPLE.fullmatch(name)]
    assert len(set(participles) - NOT_PARTICIPLES) <= 0.01 * len(names), participles


def test_variables_say_what_their_value_is() -> None:
    names = assigned_names()
    vague = Counter(name for name in names if name in VAGUE)
    assert vague.total() <= 0.005 * len(names), vague


def test_no_two_modules_share_a_file_name() -> None:
    files = Counter(path.name for path in PACKAGE.rglob("*.py"))
    shared = {name for name, count in files.items() if count > 1}
    assert shared <= SAME_NAME_ALLOWED

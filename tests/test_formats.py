"""Numbers are written in one place: no format of a number stands anywhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tuner"
ALLOWED = {
    "results/format.py": "writes what is shown",
    "recipe/numbers.py": "writes what can be typed again, and rounds",
    "demo/build.py": "prints the progress of a script that builds the demo's model",
}
# Digits, signs, percents and commas say how a number looks; widths and leading zeros do not.
NUMBER_FORMAT = re.compile(r"[eEfFgGn%]$|,|^\+")
PERCENT_FORMAT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[eEfFgG]")


def formats_of_numbers(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield f"{x:.3g}", "%.2f" % x, format(x, ".1%") and "{:.1f}".format(x)."""
    for node in ast.walk(tree):
        match node:
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=parts)):
                spec = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts
                )
                if NUMBER_FORMAT.search(spec):
                    yield node
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
                if PERCENT_FORMAT.search(text):
                    yield node
            case ast.Call(func=ast.Name(id="format"), args=[_, ast.Constant(value=str(spec))]):
                if NUMBER_FORMAT.search(spec):
                    yield node
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")
            ) if re.search(r":[^{}]*[eEfFgGn%,]\}", text):
                yield node


def test_numbers_are_written_in_one_place() -> None:
    strays = [
        f"tuner/{name}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if (name := path.relative_to(PACKAGE).as_posix()) not in ALLOWED
        for node in formats_of_numbers(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not strays, "\n".join(strays)


def test_every_kind_of_format_is_seen() -> None:
    written = [
        'f"{a:.3g}"', 'f"{a:,}"', 'f"{a:+d}"', 'f"{a:.{b}f}"', '"%.2f" % a', 'format(a, ".1%")',
        '"{:.1f}".format(a)',
    ]  # fmt: skip
    fine = [
        'f"{a:>8}"',
        'f"{a:04d}"',
        'f"{a!r:<{b}}"',
        'f"{a:%H:%M}"',
        '"%s" % a',
        '"{}".format(a)',
    ]
    assert [len(list(formats_of_numbers(ast.parse(text)))) for text in written] == [1] * 7
    assert not any(list(formats_of_numbers(ast.parse(text))) for text in fine)

"""The tables of docs/recipe.md, from the schema itself: `make reference` writes them."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from tuner.recipe.numbers import format_typed_value
from tuner.recipe.schema import GROUP, SECTIONS
from tuner.recipe.types import (
    DataSection,
    GroupSpec,
    ModelSection,
    SearchSection,
    TrainingSection,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "recipe.md"
SECTION_TYPES: dict[str, type[Any]] = {
    "model": ModelSection,
    "data": DataSection,
    "training": TrainingSection,
    "groups": GroupSpec,
    "search": SearchSection,
}
TABLE = re.compile(
    r"(<!-- keys of (\w+): make reference -->\n\n).*?(\n<!-- end of the keys -->)", re.S
)


def table_of_section(section: str) -> str:
    """Write a row for each key: name, type, default, whether it can be searched, meaning."""
    specs = {**SECTIONS, "groups": GROUP}[section]
    searchable = any(spec.kind for spec in specs.values())
    columns = ["key", "type", "default", *(["search"] if searchable else []), "meaning"]
    rows = [columns, ["---"] * len(columns)]
    for key, spec in specs.items():
        search = [("yes" if spec.kind else "")] if searchable else []
        default = default_text(section, key)
        rows.append([f"`{key}`", spec.parse_scalar.expected, default, *search, spec.meaning])
    lines = ("|".join(f" {cell} " if cell else " " for cell in row) for row in rows)
    return "".join(f"|{line}|\n" for line in lines)


def defaults_of_section(section: str) -> dict[str, Any]:
    """Return the default of every key, `MISSING` for those that must be given."""
    return {field.name: field.default for field in fields(SECTION_TYPES[section])}


def default_text(section: str, key: str) -> str:
    """Write a key's default as a recipe has it; "" where there is none, or it must be given."""
    default = defaults_of_section(section)[key]
    if default is MISSING or default is None:
        return ""
    if isinstance(default, str):
        return f'"{default}"'
    if isinstance(default, float) and len(repr(default)) > 8:
        return str(Fraction(default).limit_denominator(100))
    return format_typed_value(default)


def document() -> str:
    """Return docs/recipe.md with its tables as they should be."""
    written = DOCUMENT.read_text(encoding="utf-8")
    return TABLE.sub(lambda match: match[1] + table_of_section(match[2]) + match[3], written)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")

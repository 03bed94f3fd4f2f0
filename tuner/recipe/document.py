"""A recipe as its TOML text: edits by the program keep the user's comments and layout.

tomlkit is imported here alone; reading a recipe (`tuner.recipe.load`) does without it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit.items import AoT, Comment, Table, Whitespace

from tuner.errors import TunerError
from tuner.recipe.field_parsers import FieldSpec, Location, parse_duration, parse_if_number
from tuner.recipe.key_hints import dotted_key_hint
from tuner.recipe.load import (
    group_to_dict,
    parse_groups,
    parse_preset_name,
    parse_recipe,
    parse_toml,
    read_recipe_text,
)
from tuner.recipe.nearest import nearest_spelling
from tuner.recipe.paths import split_dotted_key, split_expression
from tuner.recipe.schema import GROUP, SECTIONS, SELECTORS
from tuner.recipe.toml_text import format_toml_value
from tuner.recipe.types import Choices, GroupSpec, Range, Recipe

_INNER_KEYS = ("low", "high", "scale", "choices", "like", "times")
_Trivia = list[tuple[None, Whitespace | Comment]]


class RecipeDocument:
    """The text of a recipe, complete or not. `source` is what errors call it, usually its path."""

    def __init__(self, text: str, source: str) -> None:
        parse_toml(text, source)
        self.source = source
        self._document = tomlkit.parse(text)

    @classmethod
    def from_text(cls, text: str, source: str = "recipe.toml") -> RecipeDocument:
        """Make a document of TOML text; TunerError with the line that is not TOML."""
        return cls(text, source)

    @classmethod
    def from_file(cls, path: Path) -> RecipeDocument:
        """Read a document; TunerError if the file cannot be read or is not TOML."""
        return cls(read_recipe_text(path), str(path))

    @property
    def toml_text(self) -> str:
        return self._document.as_string()

    def save_atomically(self, path: Path) -> None:
        """Write the text to `path` in full or not at all, readable for its owner alone."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(self.toml_text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            why = (error.strerror or str(error)).lower()
            raise TunerError(f"{path}: cannot be written: {why}") from None

    def plain_values(self) -> dict[str, Any]:
        return self._document.unwrap()

    def parse_recipe(self) -> Recipe:
        """Return the checked recipe; TunerError names the first key that is wrong or missing."""
        return parse_recipe(self.plain_values(), self.source)

    def parse_groups(self) -> tuple[GroupSpec, ...]:
        """Return the checked layer groups, even if other parts of the document are wrong."""
        return parse_groups(self.plain_values().get("groups"), Location(self.source, "groups"))

    def get_value(self, key: str) -> Any:
        """Return the plain value at a dotted key, None if it is not written."""
        path = split_dotted_key(key, self.source)
        container = (
            self._document if path[0] != "groups" else {path[0]: self._group_tables_by_name()}
        )
        value: Any = container
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value.unwrap() if hasattr(value, "unwrap") else value

    def set_value(self, key: str, value: Any, source: str | None = None) -> None:
        """Set one key, such as "training.epochs" or "groups.head.lr.low", and check it.

        `value` may be plain, a `Range`, `Choices` or what TOML gives. On TunerError the document
        stays as it was; `source` is the file that its message names.
        """
        before = self.toml_text
        location = Location(self.source if source is None else source)
        try:
            self._put_value(split_dotted_key(key, location.source), value, location)
        except TunerError:
            self._document = tomlkit.parse(before)
            raise

    def set_expression(self, expression: str, source: str = "--set") -> None:
        """Set KEY=VALUE: the value is TOML, a bare word is text. Raises what `set_value` does."""
        key, value = split_expression(expression, source)
        self.set_value(key, value, source)

    def remove_key(self, key: str) -> None:
        """Remove one key, if it is there."""
        *path, last = split_dotted_key(key, self.source)
        table: Any = (
            self._document if path[:1] != ["groups"] else {"groups": self._group_tables_by_name()}
        )
        for part in path:
            table = table.get(part) if isinstance(table, Mapping) else None
        if isinstance(table, Mapping) and last in table:
            cast(Any, table).remove(last)

    def replace_groups(self, groups: Sequence[GroupSpec]) -> None:
        """Make these the layer groups. Those that stay keep their comments, in their new place."""
        old = self._list_group_tables()
        leads, tail = _cut_all_trailing_trivia(old)
        old_indexes = _match_tables_to_groups(old, groups)
        tables = [
            _fill_group_table(old[i] if i is not None else None, g)
            for i, g in zip(old_indexes, groups, strict=True)
        ]
        self._replace_tables(tables)
        for table, following in zip(tables, old_indexes[1:], strict=False):
            _body_of_table(table).extend(leads.get(following) or [(None, Whitespace("\n"))])
        if tables:
            _body_of_table(tables[-1]).extend(tail)
        self._document = tomlkit.parse(self.toml_text)
        self.parse_groups()

    def _replace_tables(self, tables: Sequence[Table]) -> None:
        array = self._document.get("groups")
        if not isinstance(array, AoT):
            if array is not None:
                self._document.remove("groups")
            array = tomlkit.aot()
            for table in tables:
                array.append(table)
            _end_with_blank_line(self._document)
            self._document.append("groups", array)
            return
        while len(array):
            del array[0]
        for table in tables:
            array.append(table)

    def _list_group_tables(self) -> list[Table]:
        array = self._document.get("groups")
        return [array[i] for i in range(len(array))] if isinstance(array, AoT) else []

    def _group_tables_by_name(self) -> dict[str, Any]:
        groups = self._document.get("groups", [])
        tables = [groups[i] for i in range(len(groups))] if isinstance(groups, list) else []
        return {str(t.get("name")): t for t in tables if isinstance(t, Mapping)}

    def _put_value(self, path: Sequence[str], value: Any, location: Location) -> None:
        section = path[0]
        if section == "preset" and len(path) == 1:
            self._document["preset"] = parse_preset_name(value, location.join_key("preset"))
        elif section == "groups":
            self._put_in_group(path, value, location)
        elif section in SECTIONS and len(path) > 1:
            self._put_in_section(path, value, location)
        else:
            raise self._unknown_key_error(path, location)

    def _put_in_section(self, path: Sequence[str], value: Any, location: Location) -> None:
        section, key, *inner = path
        section_location = location.join_key(section)
        if key not in SECTIONS[section]:
            raise self._unknown_key_error(path, location)
        spec = SECTIONS[section][key]
        if section not in self._document:
            _end_with_blank_line(self._document)
            self._document.append(section, tomlkit.table())
        table = cast(Table, self._document[section])
        if not isinstance(table, Mapping):
            raise section_location.error("must be a table")
        _write_value(table, key, inner, value, spec, section_location.join_key(key))
        spec.parse_setting(table.unwrap()[key], section_location.join_key(key))

    def _put_in_group(self, path: Sequence[str], value: Any, location: Location) -> None:
        groups_location, tables = location.join_key("groups"), self._group_tables_by_name()
        if len(path) < 3:
            raise groups_location.error("write groups.NAME.KEY, such as groups.head.lr")
        _, name, key, *inner = path
        if name not in tables or key not in GROUP:
            raise self._unknown_key_error(path, location)
        key_location = groups_location.join_key(name).join_key(key)
        _write_value(tables[name], key, inner, value, GROUP[key], key_location)
        parse_groups(self.plain_values().get("groups"), groups_location)

    def _unknown_key_error(self, path: Sequence[str], location: Location) -> TunerError:
        hint = dotted_key_hint(path, self._group_tables_by_name())
        return location.join_key(".".join(path)).error(f"no such key; {hint}")


def _write_value(
    table: Any, key: str, inner: Sequence[str], value: Any, spec: FieldSpec, location: Location
) -> None:
    """Write `value` at `key`, or into the range that is there (`inner` is low, high, …)."""
    if not inner:
        _assign_key(
            table,
            key,
            tomlkit.value(
                format_toml_value(_typed_to_toml_value(value, spec, location), spec.scale)
            ),
        )
        return
    current_range = table.get(key)
    if spec.kind is None:
        raise location.join_key(".".join(inner)).error(f"no such key; write {location.key}=VALUE")
    if len(inner) > 1 or inner[0] not in _INNER_KEYS:
        near = (
            nearest_spelling(inner[0], _INNER_KEYS) or f"KEY with a key of {', '.join(_INNER_KEYS)}"
        )
        raise location.join_key(".".join(inner)).error(f"no such key; write {location.key}.{near}")
    if not isinstance(current_range, Mapping):
        raise location.join_key(inner[0]).error(
            f"there is no range; write {location.key}={{low=…,high=…}}"
        )
    cast(Any, current_range)[inner[0]] = tomlkit.value(
        format_toml_value(parse_if_number(value), spec.scale)
    )


def _typed_to_toml_value(value: Any, spec: FieldSpec, location: Location) -> Any:
    """Turn typed text into a TOML value: "10%" into 0.1, "1e-5..1e-4" into a table.

    Times stay text: the recipe keeps "8h".
    """
    if not isinstance(value, str) or spec.parse_scalar is parse_duration:
        return value
    parsed = spec.parse_setting(value, location)
    return parsed if isinstance(parsed, int | float | Range | Choices) else value


def _assign_key(table: Any, key: str, item: Any) -> None:
    """Set a key; a new one goes below the last one, above the comments of the next table."""
    if key in table or not isinstance(table, Table):
        table[key] = item
        return
    trivia = _cut_trailing_trivia(table)
    table.append(key, item)
    _body_of_table(table).extend(trivia)


def _body_of_table(table: Table) -> list[Any]:
    return table.value.body


def _cut_trailing_trivia(table: Table) -> _Trivia:
    """Remove and return what stands at the end of a table but belongs to the one after it.

    That is everything from the first blank line on; without one, the comments right above the next
    header.
    """
    body = _body_of_table(table)
    end = len(body)
    while end and body[end - 1][0] is None and isinstance(body[end - 1][1], Whitespace | Comment):
        end -= 1
    trivia = body[end:]
    blanks = [i for i, (_, item) in enumerate(trivia) if isinstance(item, Whitespace)]
    lead = trivia[blanks[0] :] if blanks else trivia
    if lead:
        del body[len(body) - len(lead) :]
    return lead


def _cut_all_trailing_trivia(tables: Sequence[Table]) -> tuple[dict[int | None, _Trivia], _Trivia]:
    """Return what precedes each table but the first, by index, and what follows the last one."""
    cut = [_cut_trailing_trivia(table) for table in tables]
    leads: dict[int | None, _Trivia] = dict(enumerate(cut[:-1], start=1))
    return leads, cut[-1] if cut else []


def _match_tables_to_groups(
    tables: Sequence[Table], groups: Sequence[GroupSpec]
) -> list[int | None]:
    """Find for each group the table it has already: by name, else by selector (a renamed one)."""
    free = dict(enumerate(tables))
    matches: list[int | None] = [None] * len(groups)
    # All names first: a group that took over another one's selector must not take its table.
    for key in ("name", *SELECTORS):
        for position, group in enumerate(groups):
            expected = group_to_dict(group).get(key)
            if matches[position] is not None or expected is None:
                continue
            same = [i for i, table in free.items() if table.unwrap().get(key) == expected]
            if same:
                matches[position] = same[0]
                del free[same[0]]
    return matches


def _fill_group_table(table: Table | None, group: GroupSpec) -> Table:
    """Give the table this group's keys; keys that already mean the same keep their spelling."""
    table = tomlkit.table() if table is None else table
    new_values = group_to_dict(group)
    written = table.unwrap()
    for key in [key for key in written if key not in new_values]:
        table.remove(key)
    current = _keys_already_equal(written, group)
    for key in new_values:
        if key not in current:
            _assign_key(
                table, key, tomlkit.value(format_toml_value(getattr(group, key), GROUP[key].scale))
            )
    return table


def _keys_already_equal(written: Mapping[str, Any], group: GroupSpec) -> set[str]:
    """Return the keys that already mean what the group says, in whatever spelling."""
    same = set()
    for key, value in written.items():
        with contextlib.suppress(TunerError):
            if key in GROUP and GROUP[key].parse_setting(value, Location("")) == getattr(
                group, key
            ):
                same.add(key)
    return same


def _end_with_blank_line(document: tomlkit.TOMLDocument) -> None:
    text = document.as_string()
    if text and not text.endswith("\n"):
        document.add(tomlkit.nl())
    if text and not text.endswith("\n\n"):
        document.add(tomlkit.nl())

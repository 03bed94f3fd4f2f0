"""A recipe as its TOML text: edits by the program leave the user's comments and layout alone.

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
from tuner.recipe.load import (
    group_to_dict,
    parse,
    parse_groups,
    parse_preset,
    parse_toml,
    read_text,
)
from tuner.recipe.nearest import nearest, show, suggestion
from tuner.recipe.paths import split_expression, split_key
from tuner.recipe.readers import Place, Rule, duration, plain_number
from tuner.recipe.schema import GROUP, SECTIONS, TOP_LEVEL
from tuner.recipe.toml_text import toml_text
from tuner.recipe.types import Choices, GroupSpec, Range, Recipe

_RATES = ("lr", "learning_rate", "rate")
_OF_A_GROUP = "each group has a rate of its own: write groups.NAME.lr"
_FORM = f"write SECTION.KEY with a section of {', '.join(SECTIONS)}, or groups.NAME.KEY for a group"
_INSIDE = ("low", "high", "scale", "choices", "like", "times")
_Trivia = list[tuple[None, Whitespace | Comment]]


class RecipeDocument:
    """The text of a recipe, complete or not. `source` is what errors call it: a path, as a rule."""

    def __init__(self, text: str, source: str) -> None:
        parse_toml(text, source)
        self.source = source
        self._document = tomlkit.parse(text)

    @classmethod
    def from_text(cls, text: str, source: str = "recipe.toml") -> RecipeDocument:
        """A document of this text; TunerError with the line where it is not TOML."""
        return cls(text, source)

    @classmethod
    def load(cls, path: Path) -> RecipeDocument:
        """The document in a file; TunerError where it cannot be read or is not TOML."""
        return cls(read_text(path), str(path))

    @property
    def text(self) -> str:
        """The TOML as it would be saved."""
        return self._document.as_string()

    def save(self, path: Path) -> None:
        """Writes the text to `path`, whole or not at all, readable for its owner alone."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(self.text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            why = (error.strerror or str(error)).lower()
            raise TunerError(f"{path}: cannot be written: {why}") from None

    def values(self) -> dict[str, Any]:
        """Everything in the document as plain values."""
        return self._document.unwrap()

    def recipe(self) -> Recipe:
        """The checked recipe; TunerError naming the first key that is wrong or missing."""
        return parse(self.values(), self.source)

    def groups(self) -> tuple[GroupSpec, ...]:
        """The checked layer groups, whatever the rest of the document is like."""
        return parse_groups(self.values().get("groups"), Place(self.source, "groups"))

    def get(self, key: str) -> Any:
        """The plain value at a dotted key, or None where it is not written."""
        path = split_key(key, self.source)
        at = self._document if path[0] != "groups" else {path[0]: self._named_groups()}
        value: Any = at
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value.unwrap() if hasattr(value, "unwrap") else value

    def set(self, key: str, value: Any, source: str | None = None) -> None:
        """Sets one key, such as "training.epochs" or "groups.head.lr.low", and checks it.

        `value` may be plain, `Range`, `Choices` or what TOML gives. Where TunerError is raised the
        document stays as it was; `source` is the file that its message names.
        """
        before = self.text
        at = Place(self.source if source is None else source)
        try:
            self._put(split_key(key, at.source), value, at)
        except TunerError:
            self._document = tomlkit.parse(before)
            raise

    def set_expression(self, expression: str, source: str = "--set") -> None:
        """Sets KEY=VALUE: the value is TOML, and a bare word is text. TunerError as `set`."""
        key, value = split_expression(expression, source)
        self.set(key, value, source)

    def unset(self, key: str) -> None:
        """Removes one key, if it is there."""
        *path, last = split_key(key, self.source)
        table: Any = self._document if path[:1] != ["groups"] else {"groups": self._named_groups()}
        for part in path:
            table = table.get(part) if isinstance(table, Mapping) else None
        if isinstance(table, Mapping) and last in table:
            cast(Any, table).remove(last)

    def replace_groups(self, groups: Sequence[GroupSpec]) -> None:
        """Makes these the layer groups. Those that stay keep their comments, in their new place."""
        old = self._group_tables()
        leads, tail = _cut_leads(old)
        kept = _match(old, groups)
        tables = [
            _fill(old[i] if i is not None else None, g) for i, g in zip(kept, groups, strict=True)
        ]
        self._replace_tables(tables)
        for table, following in zip(tables, kept[1:], strict=False):
            _body(table).extend(leads.get(following) or [(None, Whitespace("\n"))])
        if tables:
            _body(tables[-1]).extend(tail)
        self._document = tomlkit.parse(self.text)
        self.groups()

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

    def _group_tables(self) -> list[Table]:
        array = self._document.get("groups")
        return [array[i] for i in range(len(array))] if isinstance(array, AoT) else []

    def _named_groups(self) -> dict[str, Any]:
        groups = self._document.get("groups", [])
        tables = [groups[i] for i in range(len(groups))] if isinstance(groups, list) else []
        return {str(t.get("name")): t for t in tables if isinstance(t, Mapping)}

    def _put(self, path: Sequence[str], value: Any, at: Place) -> None:
        section = path[0]
        if section == "preset" and len(path) == 1:
            self._document["preset"] = parse_preset(value, at.under("preset"))
        elif section == "groups":
            self._put_in_group(path, value, at)
        elif section in SECTIONS and len(path) > 1:
            self._put_in_section(path, value, at)
        else:
            raise _unknown(path, at)

    def _put_in_section(self, path: Sequence[str], value: Any, at: Place) -> None:
        section, key, *inner = path
        inside = at.under(section)
        rule = _rule(SECTIONS[section], key, inside)
        if section not in self._document:
            _end_with_blank_line(self._document)
            self._document.append(section, tomlkit.table())
        table = cast(Table, self._document[section])
        if not isinstance(table, Mapping):
            raise inside.refuse("must be a table")
        _write(table, key, inner, value, rule, inside.under(key))
        rule.read(table.unwrap()[key], inside.under(key))

    def _put_in_group(self, path: Sequence[str], value: Any, at: Place) -> None:
        inside, tables = at.under("groups"), self._named_groups()
        if len(path) < 3:
            raise inside.refuse("write groups.NAME.KEY, such as groups.head.lr")
        _, name, key, *inner = path
        if name not in tables:
            raise inside.under(name).refuse(f"no such group; {suggestion(name, tables)}")
        group = inside.under(name)
        rule = _rule(GROUP, key, group)
        _write(tables[name], key, inner, value, rule, group.under(key))
        parse_groups(self.values().get("groups"), inside)


def _rule(rules: Mapping[str, Rule], key: str, at: Place) -> Rule:
    if key in _RATES and key not in rules:
        raise at.under(key).refuse(f"no such key; {_OF_A_GROUP}")
    if key not in rules:
        raise at.under(key).refuse(f"no such key; {suggestion(key, rules)}")
    return rules[key]


def _unknown(path: Sequence[str], at: Place) -> TunerError:
    """A key outside of every section: perhaps one written without its section."""
    key = ".".join(path)
    full = {f"{section}.{name}" for section, rules in SECTIONS.items() for name in rules}
    bare = {name.partition(".")[2]: name for name in sorted(full)}
    near = bare.get(key) or nearest(key, full)
    hint = f"did you mean {show(near)}?" if near else _FORM
    if path[-1] in _RATES:
        hint = _OF_A_GROUP
    elif path[0] in SECTIONS:
        hint = f"write {path[0]}.KEY"
    elif len(path) > 1 and nearest(path[0], TOP_LEVEL):
        hint = suggestion(path[0], TOP_LEVEL)
    return at.under(key).refuse(f"no such key; {hint}")


def _write(table: Any, key: str, inner: Sequence[str], value: Any, rule: Rule, at: Place) -> None:
    """Writes `value` at `key`, or inside of the range that is there (`inner` is low, high, …)."""
    if not inner:
        _assign(table, key, tomlkit.value(toml_text(_as_toml(value, rule, at), rule.scale)))
        return
    found = table.get(key)
    if rule.kind is None or len(inner) > 1 or inner[0] not in _INSIDE:
        valid = _INSIDE if rule.kind is not None else ()
        raise at.under(".".join(inner)).refuse(f"no such key; {suggestion(inner[0], valid)}")
    if not isinstance(found, Mapping):
        raise at.under(inner[0]).refuse(f"there is no range; write {at.key}={{low=…,high=…}}")
    cast(Any, found)[inner[0]] = tomlkit.value(toml_text(plain_number(value), rule.scale))


def _as_toml(value: Any, rule: Rule, at: Place) -> Any:
    """What was typed as TOML has it: 0.1 for "10%", a table for "1e-5..1e-4"; times stay."""
    if not isinstance(value, str) or rule.plain is duration:
        return value
    read = rule.read(value, at)
    return read if isinstance(read, int | float | Range | Choices) else value


def _assign(table: Any, key: str, item: Any) -> None:
    """Sets a key; a new one goes below the last one, above what leads to the next table."""
    if key in table or not isinstance(table, Table):
        table[key] = item
        return
    lead = _cut_lead(table)
    table.append(key, item)
    _body(table).extend(lead)


def _body(table: Table) -> list[Any]:
    return table.value.body


def _cut_lead(table: Table) -> _Trivia:
    """Removes and returns what stands at the end of a table but belongs to the one after it.

    That is all from the first blank line on; without one, the comments right above the next header.
    """
    body = _body(table)
    end = len(body)
    while end and body[end - 1][0] is None and isinstance(body[end - 1][1], Whitespace | Comment):
        end -= 1
    trivia = body[end:]
    blanks = [i for i, (_, item) in enumerate(trivia) if isinstance(item, Whitespace)]
    lead = trivia[blanks[0] :] if blanks else trivia
    if lead:
        del body[len(body) - len(lead) :]
    return lead


def _cut_leads(tables: Sequence[Table]) -> tuple[dict[int | None, _Trivia], _Trivia]:
    """What leads to each table but the first, by its index, and what leads on from the last one."""
    cut = [_cut_lead(table) for table in tables]
    leads: dict[int | None, _Trivia] = dict(enumerate(cut[:-1], start=1))
    return leads, cut[-1] if cut else []


def _match(tables: Sequence[Table], groups: Sequence[GroupSpec]) -> list[int | None]:
    """For each group the table it has already: by name, else by selector (a renamed one)."""
    free = dict(enumerate(tables))
    found: list[int | None] = [None] * len(groups)
    for keys in (("name",), ("part",), ("layers",), ("params",), ("rest",)):
        for position, group in enumerate(groups):
            wanted = group_to_dict(group).get(keys[0])
            if found[position] is not None or wanted is None:
                continue
            same = [i for i, table in free.items() if table.unwrap().get(keys[0]) == wanted]
            if same:
                found[position] = same[0]
                del free[same[0]]
    return found


def _fill(table: Table | None, group: GroupSpec) -> Table:
    """The table with this group's keys; those that say so already stay as they are written."""
    table = tomlkit.table() if table is None else table
    wanted = group_to_dict(group)
    written = table.unwrap()
    for key in [key for key in written if key not in wanted]:
        table.remove(key)
    current = _same_keys(written, group)
    for key in wanted:
        if key not in current:
            _assign(table, key, tomlkit.value(toml_text(getattr(group, key), GROUP[key].scale)))
    return table


def _same_keys(written: Mapping[str, Any], group: GroupSpec) -> set[str]:
    """The keys that already mean what the group says, in whatever spelling."""
    same = set()
    for key, value in written.items():
        with contextlib.suppress(TunerError):
            if key in GROUP and GROUP[key].read(value, Place("")) == getattr(group, key):
                same.add(key)
    return same


def _end_with_blank_line(document: tomlkit.TOMLDocument) -> None:
    text = document.as_string()
    if text and not text.endswith("\n"):
        document.add(tomlkit.nl())
    if text and not text.endswith("\n\n"):
        document.add(tomlkit.nl())

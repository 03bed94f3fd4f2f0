"""From TOML to a checked `Recipe`, and to plain dictionaries and back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.plain_file import open_plain
from tuner.recipe.readers import Place, Rule, known_keys, table
from tuner.recipe.schema import (
    DATA,
    GROUP,
    MODEL,
    REQUIRED,
    SEARCH,
    SELECTORS,
    TOP_LEVEL,
    TRAINING,
)
from tuner.recipe.types import (
    Choices,
    DataSection,
    GroupSpec,
    Like,
    ModelSection,
    Range,
    Recipe,
    SearchSection,
    TrainingSection,
)

_LARGEST = 16 * 2**20


def load(path: Path) -> Recipe:
    """The recipe in a file; TunerError names file, key and what is wrong."""
    return parse(parse_toml(read_text(path), str(path)), str(path))


def read_text(path: Path) -> str:
    """A recipe file's text; TunerError where there is none to read."""
    try:
        with open_plain(path) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise TunerError(f"{path}: is too large to be a recipe")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TunerError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise TunerError(
            f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"
        ) from None


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """TOML as plain values; TunerError with the line where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = re.sub(r"\s+", " ", str(error))
        match = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message)
        line = (match[2] if match else None) or text.count("\n") + 1
        what = match[1] if match else message
        raise TunerError(
            f"{source}: line {line}: not TOML: {what[:1].lower() + what[1:]}"
        ) from None
    except (ValueError, RecursionError):
        # tomllib lets these through: whole numbers of thousands of digits, very deep lists.
        raise TunerError(f"{source}: not TOML: a number too long or a list too deep") from None


def parse(raw: Mapping[str, Any], source: str) -> Recipe:
    """The recipe that `raw` says; `source` is the file's name in errors. TunerError in one line."""
    at = Place(source)
    known_keys(raw, TOP_LEVEL, at)
    recipe = Recipe(
        model=ModelSection(**_section(raw, "model", MODEL, at)),
        data=DataSection(**_section(raw, "data", DATA, at)),
        training=TrainingSection(**_section(raw, "training", TRAINING, at)),
        groups=parse_groups(raw.get("groups"), at.under("groups")),
        search=SearchSection(**_section(raw, "search", SEARCH, at)),
        preset=parse_preset(raw.get("preset"), at.under("preset")),
    )
    if recipe.data.test is not None and recipe.data.holdout > 0:
        raise (
            at.under("data").under("holdout").refuse("there is data.test already; keep one of them")
        )
    return recipe


def parse_preset(value: Any, at: Place) -> str | None:
    """The preset that a recipe was made from, if any."""
    from tuner.recipe.presets import preset_names

    if value is None:
        return None
    if isinstance(value, str) and value in preset_names():
        return value
    raise at.refuse(f"no preset {show(value)}; {suggestion(str(value), preset_names())}")


def _section(
    raw: Mapping[str, Any], name: str, rules: Mapping[str, Rule], at: Place
) -> dict[str, Any]:
    inside = at.under(name)
    values = table(raw.get(name, {}), inside)
    known_keys(values, tuple(rules), inside)
    read = {key: rules[key].read(value, inside.under(key)) for key, value in values.items()}
    for key, hint in REQUIRED.get(name, {}).items():
        if key not in read:
            raise inside.under(key).refuse(f"is missing: {hint}")
    return read


def parse_groups(raw: Any, at: Place) -> tuple[GroupSpec, ...]:
    """The layer groups; names must differ, and one at most can be the rest."""
    if raw is None or raw == []:
        raise at.refuse("is missing: one [[groups]] table for each learning rate")
    if not isinstance(raw, list | tuple):
        raise at.refuse("must be a list: write [[groups]] above each group")
    groups = tuple(_group(entry, number, at) for number, entry in enumerate(raw, start=1))
    for number, group in enumerate(groups):
        if group.name in {other.name for other in groups[:number]}:
            raise at.under(group.name).under("name").refuse("two groups have this name")
    rests = [group for group in groups if group.rest]
    if len(rests) > 1:
        raise (
            at.under(rests[1].name)
            .under("rest")
            .refuse(f"{show(rests[0].name)} is the rest already; one group can be")
        )
    for group in groups:
        if isinstance(group.lr, Like):
            _check_tie(groups, group.lr, at.under(group.name).under("lr").under("like"))
    return groups


def _check_tie(groups: tuple[GroupSpec, ...], tie: Like, at: Place) -> None:
    """A rate is tied to a group that has one of its own: no chains, no circles."""
    free = [group.name for group in groups if not isinstance(group.lr, Like)]
    if tie.group in free:
        return
    if any(group.name == tie.group for group in groups):
        raise at.refuse(f"{show(tie.group)} is tied itself; name a group with a rate of its own")
    raise at.refuse(f"no group {show(tie.group)}; {suggestion(tie.group, free)}")


def _group(raw: Any, number: int, at: Place) -> GroupSpec:
    """`number` counts from 1 and names the group in errors until its own name is known."""
    nameless = Place(at.source, f"{at.key}[{number}]")
    values = table(raw, nameless)
    if "name" not in values:
        raise nameless.under("name").refuse("is missing: every group has a name")
    inside = at.under(GROUP["name"].read(values["name"], nameless.under("name")))
    known_keys(values, tuple(GROUP), inside)
    read = {key: GROUP[key].read(value, inside.under(key)) for key, value in values.items()}
    selectors = [key for key in SELECTORS if read.get(key) not in (None, False)]
    if len(selectors) != 1:
        found = "none is given" if not selectors else " and ".join(selectors) + " are given"
        raise inside.refuse(f"needs exactly one of part, layers, params and rest; {found}")
    if "lr" not in read:
        raise inside.under("lr").refuse('is missing: a number, a range { low, high } or "frozen"')
    return GroupSpec(**read)


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as values that JSON and TOML know; `parse` makes an equal recipe of them."""
    out: dict[str, Any] = {
        name: section_to_dict(getattr(recipe, name))
        for name in ("model", "data", "training", "search")
    }
    out["groups"] = [group_to_dict(group) for group in recipe.groups]
    if recipe.preset is not None:
        out["preset"] = recipe.preset
    return out


def section_to_dict(section: Any) -> dict[str, Any]:
    """A section's fields as plain values, those that are None left out."""
    values = ((field.name, getattr(section, field.name)) for field in fields(section))
    return {name: plain_value(value) for name, value in values if value is not None}


def group_to_dict(group: GroupSpec) -> dict[str, Any]:
    """A group's keys in the order of a recipe: name, selector, rates."""
    order = ("name", *SELECTORS, "lr", "layer_decay", "weight_decay")
    values = ((key, getattr(group, key)) for key in order)
    set_ones = ((key, value) for key, value in values if value is not None and value is not False)
    return {key: plain_value(value) for key, value in set_ones}


def plain_value(value: Any) -> Any:
    """A setting as TOML writes it: ranges and choices as tables, tuples as lists."""
    if isinstance(value, Range):
        return {"low": value.low, "high": value.high, "scale": value.scale}
    if isinstance(value, Choices):
        return {"choices": list(value.values)}
    if isinstance(value, Like):
        times = {"times": plain_value(value.times)} if value.times != 1.0 else {}
        return {"like": value.group} | times
    return list(value) if isinstance(value, tuple) else value

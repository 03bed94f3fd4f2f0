"""From TOML to a checked `Recipe`, and to plain dictionaries and back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.field_parsers import FieldSpec, Location, check_known_keys, parse_table
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.regular_file import open_regular_file
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
    ModelSection,
    Range,
    Recipe,
    SearchSection,
    TiedRate,
    TrainingSection,
)

_MAX_BYTES = 16 * 2**20


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; TunerError names file, key and what is wrong."""
    return parse_recipe(parse_toml(read_recipe_text(path), str(path)), str(path))


def read_recipe_text(path: Path) -> str:
    """Read a recipe file as text; TunerError if it cannot be read."""
    try:
        with open_regular_file(path) as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise TunerError(f"{path}: is too large to be a recipe")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TunerError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise TunerError(
            f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"
        ) from None


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML into plain values; TunerError names the line that is not TOML."""
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


def parse_recipe(raw: Mapping[str, Any], source: str) -> Recipe:
    """Check `raw` and make a recipe of it; errors name the file `source`, in one line."""
    location = Location(source)
    check_known_keys(raw, TOP_LEVEL, location)
    recipe = Recipe(
        model=ModelSection(**_parse_section(raw, "model", MODEL, location)),
        data=DataSection(**_parse_section(raw, "data", DATA, location)),
        training=TrainingSection(**_parse_section(raw, "training", TRAINING, location)),
        groups=parse_groups(raw.get("groups"), location.join_key("groups")),
        search=SearchSection(**_parse_section(raw, "search", SEARCH, location)),
        preset=parse_preset_name(raw.get("preset"), location.join_key("preset")),
    )
    if recipe.data.test is not None and recipe.data.holdout > 0:
        raise (
            location.join_key("data")
            .join_key("holdout")
            .error("there is data.test already; keep one of them")
        )
    return recipe


def parse_preset_name(value: Any, location: Location) -> str | None:
    from tuner.recipe.presets import preset_names

    if value is None:
        return None
    if isinstance(value, str) and value in preset_names():
        return value
    raise location.error(
        f"no preset {quote_value(value)}; {spelling_hint(str(value), preset_names())}"
    )


def _parse_section(
    raw: Mapping[str, Any], name: str, specs: Mapping[str, FieldSpec], location: Location
) -> dict[str, Any]:
    section_location = location.join_key(name)
    values = parse_table(raw.get(name, {}), section_location)
    check_known_keys(values, tuple(specs), section_location)
    parsed = {
        key: specs[key].parse_setting(value, section_location.join_key(key))
        for key, value in values.items()
    }
    for key, hint in REQUIRED.get(name, {}).items():
        if key not in parsed:
            raise section_location.join_key(key).error(f"is missing: {hint}")
    return parsed


def parse_groups(raw: Any, location: Location) -> tuple[GroupSpec, ...]:
    """Parse the layer groups; their names must differ, and at most one can be the rest."""
    if raw is None or raw == []:
        raise location.error("is missing: one [[groups]] table for each learning rate")
    if not isinstance(raw, list | tuple):
        raise location.error("must be a list: write [[groups]] above each group")
    groups = tuple(
        _parse_group(entry, number, location) for number, entry in enumerate(raw, start=1)
    )
    for number, group in enumerate(groups):
        if group.name in {earlier.name for earlier in groups[:number]}:
            raise location.join_key(group.name).join_key("name").error("two groups have this name")
    rests = [group for group in groups if group.rest]
    if len(rests) > 1:
        raise (
            location.join_key(rests[1].name)
            .join_key("rest")
            .error(f"{quote_value(rests[0].name)} is the rest already; only one group can be")
        )
    for group in groups:
        if isinstance(group.lr, TiedRate):
            _check_tied_rate(
                groups, group.lr, location.join_key(group.name).join_key("lr").join_key("like")
            )
    return groups


def _check_tied_rate(groups: tuple[GroupSpec, ...], tie: TiedRate, location: Location) -> None:
    """Check that a rate is tied to a group with a rate of its own: no chains, no cycles."""
    untied_names = [group.name for group in groups if not isinstance(group.lr, TiedRate)]
    if tie.group in untied_names:
        return
    if any(group.name == tie.group for group in groups):
        raise location.error(
            f"{quote_value(tie.group)} is tied itself; name a group with a rate of its own"
        )
    raise location.error(
        f"no group {quote_value(tie.group)}; {spelling_hint(tie.group, untied_names)}"
    )


def _parse_group(raw: Any, number: int, location: Location) -> GroupSpec:
    """Parse a group, which errors call groups[`number`] (from 1) until its name is known."""
    numbered_location = Location(location.source, f"{location.key}[{number}]")
    values = parse_table(raw, numbered_location)
    if "name" not in values:
        raise numbered_location.join_key("name").error("is missing: every group has a name")
    group_location = location.join_key(
        GROUP["name"].parse_setting(values["name"], numbered_location.join_key("name"))
    )
    check_known_keys(values, tuple(GROUP), group_location)
    parsed = {
        key: GROUP[key].parse_setting(value, group_location.join_key(key))
        for key, value in values.items()
    }
    selectors = [key for key in SELECTORS if parsed.get(key) not in (None, False)]
    if len(selectors) != 1:
        problem = "none is given" if not selectors else " and ".join(selectors) + " are given"
        raise group_location.error(f"needs exactly one of part, layers, params and rest; {problem}")
    if "lr" not in parsed:
        raise group_location.join_key("lr").error(
            'is missing: a number, a range { low, high } or "frozen"'
        )
    return GroupSpec(**parsed)


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as JSON and TOML values, of which `parse_recipe` makes an equal recipe."""
    sections: dict[str, Any] = {
        name: section_to_dict(getattr(recipe, name))
        for name in ("model", "data", "training", "search")
    }
    sections["groups"] = [group_to_dict(group) for group in recipe.groups]
    if recipe.preset is not None:
        sections["preset"] = recipe.preset
    return sections


def section_to_dict(section: Any) -> dict[str, Any]:
    """Return a section's fields as plain values, without those that are None."""
    values = ((field.name, getattr(section, field.name)) for field in fields(section))
    return {name: setting_to_plain_value(value) for name, value in values if value is not None}


def group_to_dict(group: GroupSpec) -> dict[str, Any]:
    """Return a group's keys in the order of a recipe: name, selector, rates."""
    order = ("name", *SELECTORS, "lr", "layer_decay", "weight_decay")
    values = ((key, getattr(group, key)) for key in order)
    set_ones = ((key, value) for key, value in values if value is not None and value is not False)
    return {key: setting_to_plain_value(value) for key, value in set_ones}


def setting_to_plain_value(value: Any) -> Any:
    """Return a setting as TOML holds it: ranges and choices as tables, tuples as lists."""
    if isinstance(value, Range):
        return {"low": value.low, "high": value.high, "scale": value.scale}
    if isinstance(value, Choices):
        return {"choices": list(value.values)}
    if isinstance(value, TiedRate):
        times = {"times": setting_to_plain_value(value.times)} if value.times != 1.0 else {}
        return {"like": value.group} | times
    return list(value) if isinstance(value, tuple) else value

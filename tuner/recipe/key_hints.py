"""What to write instead of a dotted key that no recipe has."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tuner.recipe.nearest import nearest_spelling, quote_value
from tuner.recipe.schema import GROUP, SECTIONS

_RATE_KEYS = ("lr", "learning_rate", "rate")
_FORM = f"write SECTION.KEY with a section of {', '.join(SECTIONS)}, or groups.NAME.KEY for a group"
_Place = tuple[str, ...]
"""A section, or "groups" and a group's name: what a key is written below."""


def dotted_key_hint(path: Sequence[str], group_names: Collection[str]) -> str:
    """Write the end of an error about a key: the nearest one in full, else how keys are written."""
    if path[-1] in _RATE_KEYS and (len(path) == 1 or path[0] in SECTIONS):
        rates = ", ".join(f"groups.{name}.lr" for name in group_names) or "groups.NAME.lr"
        return f"each group has a rate of its own: write {rates}"
    keys = _keys_by_place(group_names)
    near = _key_of_other_place(path, keys) or _key_spelled_alike(path, keys)
    if near:
        return f"did you mean {quote_value('.'.join(near))}?"
    place = _nearest_place(path, keys)
    if place in keys:
        return f"write {'.'.join(place)}.KEY with a key of {', '.join(keys[place])}"
    if path[0] != "groups":
        return _FORM
    return f"groups here: {', '.join(map(quote_value, group_names)) or 'none'}"


def _keys_by_place(group_names: Collection[str]) -> dict[_Place, list[str]]:
    sections: dict[_Place, list[str]] = {(name,): list(specs) for name, specs in SECTIONS.items()}
    return sections | {("groups", name): list(GROUP) for name in group_names}


def _key_of_other_place(path: Sequence[str], keys: dict[_Place, list[str]]) -> list[str] | None:
    """Find the key that is written below another place, or below none: "trials", "head.lr"."""
    by_end = {(*place[1:], key): [*place, key] for place in sorted(keys) for key in keys[place]}
    by_end[("preset",)] = ["preset"]
    by_end |= {("lr", place[1]): [*place, "lr"] for place in keys if place[0] == "groups"}
    spelled = {".".join(end): full for end, full in by_end.items()}
    near = (
        nearest_spelling(".".join(path), spelled) if path[0] not in (*SECTIONS, "groups") else None
    )
    return by_end.get(tuple(path)) or by_end.get(tuple(path[1:])) or spelled.get(near or "")


def _key_spelled_alike(path: Sequence[str], keys: dict[_Place, list[str]]) -> list[str] | None:
    """Correct the place, then the key below it; what follows, such as "low", stays as it is."""
    place = _nearest_place(path, keys)
    if place is None or len(path) <= len(place):
        return None
    key = nearest_spelling(path[len(place)], keys[place])
    return None if key is None else [*place, key, *path[len(place) + 1 :]]


def _nearest_place(path: Sequence[str], keys: dict[_Place, list[str]]) -> _Place | None:
    first = nearest_spelling(path[0], {place[0] for place in keys})
    if first is None or (first,) in keys:
        return None if first is None else (first,)
    names = [place[1] for place in keys if place[0] == first]
    name = nearest_spelling(path[1], names) if len(path) > 1 else None
    return None if name is None else (first, name)

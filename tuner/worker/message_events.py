"""Events made of what a trainer or the study reports: equal names are the same fact."""

from __future__ import annotations

from typing import Any, TypeVar

from tuner.session.events import Event

_NewEvent = TypeVar("_NewEvent", bound=Event)
_GIVEN_BY_THE_WRITER = frozenset({"seq", "time"})


def event_from(kind: type[_NewEvent], source: object, **other_fields: Any) -> _NewEvent:
    """Build an event from the source's fields of the same names; `other_fields` replace or add."""
    names = set(kind.__struct_fields__) - _GIVEN_BY_THE_WRITER - other_fields.keys()
    fields = {name: getattr(source, name) for name in names if hasattr(source, name)}
    return kind(**fields, **other_fields)

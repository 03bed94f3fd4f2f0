"""One event, one line: bytes to structs and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tuner.session.events import AnyEvent, Event, Unknown

UNREADABLE = "unreadable"

_events = msgspec.json.Decoder(AnyEvent)
_anything = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_NOT_UNDERSTOOD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode_event_line(event: Event) -> bytes:
    """Encode the event as one line of JSON, newline included."""
    return _encoder.encode(event) + b"\n"


def decode_event_lines(lines: Sequence[bytes]) -> list[AnyEvent | Unknown]:
    """Decode all lines in one go, or one by one where a line cannot be understood."""
    decode = _events.decode
    try:
        return [decode(line) for line in lines]
    except _NOT_UNDERSTOOD:
        return [decode_event_line(line) for line in lines]


def decode_event_line(line: bytes) -> AnyEvent | Unknown:
    """Decode one line; what this version cannot understand comes back as `Unknown`."""
    try:
        event: AnyEvent = _events.decode(line)
    except _NOT_UNDERSTOOD:
        return _unknown_event(line)
    return event


def _unknown_event(line: bytes) -> Unknown:
    try:
        raw = _anything.decode(line)
    except _NOT_UNDERSTOOD:
        raw = None
    if not isinstance(raw, dict):
        return Unknown(-1, 0.0, UNREADABLE, {"line": line.decode("utf-8", "replace")})
    kind = raw.get("kind")
    return Unknown(
        int(_bounded_number(raw, "seq", -1, 2.0**53)),
        _bounded_number(raw, "time", 0.0, 2.0**36),
        kind if isinstance(kind, str) else UNREADABLE,
        raw,
    )


def _bounded_number(raw: dict[str, Any], key: str, default: float, highest: float) -> float:
    """Return the number under a key if it lies between 0 and `highest`, else the default."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(value) if 0 <= value <= highest else default

"""The events worth a line while a session is followed."""

from __future__ import annotations

from typing import Any

from tuner.cli.output import unicode_on_stderr
from tuner.render.event_text import describe_event, local_time_of_day
from tuner.results import format as fmt
from tuner.session import events as e
from tuner.session.view import SessionView

SHOWN_PARAMS = 4
TITLE_WIDTH = 18
QUIET = (e.SessionCreated, e.Step, e.Rung, e.Importance)
QUIET_LEVELS = ("debug", "info")


def format_event_line(event: Any, view: SessionView) -> str | None:
    """Return one line about an event already folded into `view`, or None if it is not worth one.

    Rungs that a trial passes are left out: the rung that ends it appears as its reason.
    """
    if isinstance(event, QUIET) or _is_unremarkable(event):
        return None
    event_text = describe_event(event, view)
    trial = getattr(event, "trial", None)
    subject = "" if trial is None else f"#{trial}"
    glyph = event_text.glyph if event_text.glyph and unicode_on_stderr() else ""
    title = f"{glyph} {event_text.title}".strip()
    detail = (
        _started_trial_detail(event)
        if isinstance(event, e.TrialStarted)
        else event_text.reason or event_text.short
    )
    line = f"{local_time_of_day(event.time)} {subject:>5}  {title:<{TITLE_WIDTH}} {detail}"
    return fmt.sanitize_text(line).rstrip()


def _is_unremarkable(event: Any) -> bool:
    if isinstance(event, e.CommandDone):
        return event.ok
    return isinstance(event, e.Log) and event.level.lower() in QUIET_LEVELS


def _started_trial_detail(event: e.TrialStarted) -> str:
    if event.resumed_at:
        return f"continues at step {event.resumed_at}"
    origin = "" if event.origin == "sampled" else f"({event.origin}) "
    return origin + first_values_text({**event.fixed, **event.params})


def values_in_brackets(params: dict[str, Any]) -> str:
    """Return ` (lr.head 1.0e-3, epochs 3)`, to stand behind a result; "" if nothing is searched."""
    return f" ({first_values_text(params)})" if params else ""


def first_values_text(params: dict[str, Any]) -> str:
    """Return the first values, learning rates first: `lr.head 1.0e-3, epochs 3, …`."""
    rates_first = sorted(params.items(), key=lambda item: not item[0].startswith("lr."))
    pairs = rates_first[:SHOWN_PARAMS]
    texts = [f"{name} {fmt.format_setting(name, value)}" for name, value in pairs]
    return ", ".join(texts + ["…"] * (len(params) > SHOWN_PARAMS))

"""A recorded session in which every text that data can bring tries to do harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.tui.corpus import Recorder, Story, confusion_of, folder, recipe_text, recorded_once
from tests.tui.recorded_predictions import gold_of
from tuner.session import events as e
from tuner.session.folder import Session

MARKUP = ("[red]r[/]", "[/]", "[@click=app.bell]x[/]", "[link=file:///x]l[/link]", "$primary {x}")
CONTROLS = ("\x1b]0;owned\x07", "\x1b[2J", "\x9b31m\x85", "t\tt\nn\rr\x00\x7f", "\x1bP+q\x1b\\")
UNSEEN = ("\u202eabc\u202c", "\u2066i\u2069", "a\u200bb\u00ad\u2060", "\U000e0041\u3164")
WIDE = ("日本語", "e\u0301a\u0308", "👩\u200d👩\u200d👧", "✌\ufe0f☝🏽", "क्\u200dष", "🇩🇪ﷺ")
PIECES = (*MARKUP, *CONTROLS, *UNSEEN, *WIDE)
NASTY = " ".join(PIECES)
LONG = "長い" * 5_000
LABELS = (*PIECES, NASTY, LONG)
GROUPS = {
    f"[red]{''.join(WIDE)}": (1e-7, 1e-5),
    "".join(MARKUP): (1e-6, 3e-5),
    "".join(UNSEEN): (1e-5, 1e-4),
    NASTY * 20: (1e-5, 1e-4),
}


LEGAL = {
    "[red]r[/] 日本語": (1e-7, 1e-5),
    "[blink]b[/blink] :smile:": (1e-6, 3e-5),
    "長い" * 30: (1e-5, 1e-4),
    "e\u0301 ☝🏽 $primary {x} [/]": (1e-5, 1e-4),
}
"""Names that a recipe lets pass; a log may have been written by anybody."""


@recorded_once
def hostile(root: Path, name: str = "hostile") -> Session:
    """Make a session with a few trials of each outcome; one is running."""
    session = folder(root, name, _recipe())
    story = Story(Recorder(session), LABELS, GROUPS, 9, rows=20 * len(LABELS), answers=True)
    story.begin()
    for number in range(5):
        story.trial(number, fate={2: "collapse", 3: "fail", 4: "nan"}.get(number, ""))
    story.recorder.say(e.TrialPruned(trial=4, reason=NASTY))
    story.trial(5, until=0.7)
    for event in _gossip():
        story.recorder.say(event)
    story.recorder.events[:] = [_with_hostile_texts(event) for event in story.recorder.events]
    story.recorder.write()
    _append_unknown(session, len(story.recorder.events), story.recorder.now)
    _write_texts(session)
    session.log_path.write_text(f"{NASTY}\n{LONG}\n" * 3, encoding="utf-8")
    return session


def _recipe() -> str:
    text = recipe_text(LEGAL, trials=9, model=NASTY, train=NASTY)
    for layers in ("0-3", "4-7", "8-11"):
        text = text.replace("rest = true", f'layers = "{layers}"', 1)
    return text


def _gossip() -> Iterator[e.Event]:
    yield e.Importance(values={f"lr.{group}": 0.3 for group in GROUPS}, method=NASTY, trials=9)
    yield e.CommandDone(id=NASTY, result=NASTY, ok=False)
    yield e.TrialRetried(trial=5, cause=NASTY, error=LONG, attempt=2)
    yield e.GenerationOpened(generation=1, changes={NASTY: NASTY, LONG: 1}, carried=1)
    yield e.Log(level="warning", text=NASTY)
    yield e.Log(level=NASTY, text=LONG)


_TEXTS: dict[str, Any] = {
    "host": NASTY,
    "devices": [NASTY, "cuda:0"],
    "versions": {NASTY: NASTY, "torch": NASTY},
    "tuner": NASTY,
    "device": NASTY,
    "device_name": NASTY,
    "batches": NASTY,
    "origin": NASTY,
    "reason": NASTY,
    "rule": NASTY,
    "label": NASTY,
    "cause": NASTY,
    "error": f"{NASTY} {LONG}",
    "lines": [NASTY, LONG, "".join(CONTROLS)],
    "text": NASTY,
}


def _with_hostile_texts(event: e.Event) -> e.Event:
    """Make every free text in the event hostile."""
    hostile_fields = {
        name: text for name, text in _TEXTS.items() if name in event.__struct_fields__
    }
    if isinstance(event, e.TrialStarted):
        hostile_fields["params"] = {**event.params, NASTY: NASTY}
        hostile_fields["fixed"] = {"schedule": NASTY}
    if isinstance(event, e.Evaluated):
        hostile_fields["metrics"] = {**event.metrics, f"f1.{NASTY}": 0.5}
    return msgspec.structs.replace(event, **hostile_fields)


def _append_unknown(session: Session, seq: int, now: float) -> None:
    raw = {"seq": seq, "time": now, "kind": NASTY, NASTY: NASTY}
    with session.events_path.open("ab") as log:
        log.write(msgspec.json.encode(raw) + b"\n")


def _write_texts(session: Session) -> None:
    counts = tuple(map(sum, confusion_of(0.5, len(LABELS), 20 * len(LABELS), False)))
    head = {"columns": [NASTY, LONG], "labels": LABELS, "rows": sum(counts), "kept": sum(counts)}
    rows = [
        {"row": row, "gold": label, "texts": _texts(row)}
        for row, label in enumerate(gold_of(counts))
    ]
    content = b"\n".join(map(msgspec.json.encode, [head, *rows])) + b"\n"
    (session.cache_folder / "validation.jsonl").write_bytes(content)


def _texts(row: int) -> Sequence[str]:
    return [PIECES[row % len(PIECES)] * (1 + row % 3), NASTY if row % 7 else LONG]

"""What a session runs on and with: data, model, machine, versions, and how the space changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.recipe.trust import trusted
from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session import events as e
from tuner.session.view import SessionView
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.styles import Styles

Fact = tuple[str, str]
_NAME = 13


def environment_lines(view: SessionView, width: int, styles: Styles) -> Lines:
    """Facts in sections, as far as the log tells them; [] before the first worker."""
    sections = (
        ("Data", list(_data(view))),
        ("Model", list(_model(view))),
        ("Machine", list(_machine(view))),
        ("Versions", [(name, plain(number)) for name, number in sorted(view.versions.items())]),
        ("Generations", list(_generations(view))),
    )
    lines: Lines = []
    for title, facts in sections:
        if facts:
            lines += [[(title, styles.heading)], *_told(facts, width, styles), []]
    return lines[:-1]


def _told(facts: Sequence[Fact], width: int, styles: Styles) -> Lines:
    lines: Lines = []
    for name, text in facts:
        folded = wrapped(text, max(width - _NAME - 2, 8)) or [""]
        for number, line in enumerate(folded):
            head = fit(plain(name), _NAME - 1) + " " if number == 0 else " " * _NAME
            lines.append([(f"  {head}", styles.muted), (line, styles.text)])
    return lines


def _data(view: SessionView) -> Iterator[Fact]:
    for split, rows in view.rows.items():
        yield split, f"{rows:,} rows"
    if view.labels:
        names = ", ".join(plain(label) or "(empty)" for label in view.labels)
        yield "labels", f"{len(view.labels)}: {names}"


def _model(view: SessionView) -> Iterator[Fact]:
    if view.parameters:
        yield "parameters", f"{view.parameters:,}"
    for permission in trusted(view.recipe):
        yield "trusted", permission
    for name, size in view.group_sizes.items():
        yield plain(name), fmt.count(size)


def _machine(view: SessionView) -> Iterator[Fact]:
    if view.worker_host:
        yield "worker", plain(f"pid {view.worker_pid} on {view.worker_host}")
    if view.devices:
        yield "device", plain(", ".join(view.devices))
    if view.batches:
        yield "batches", plain(view.batches)
    if view.threads:
        yield "slots", fmt.side_by_side(view.slots, view.threads)
    if view.chosen is not None:
        yield "chosen", plain(view.chosen.reason)


def _generations(view: SessionView) -> Iterator[Fact]:
    for event in view.history:
        if isinstance(event, e.GenerationOpened):
            names = ", ".join(plain(name) for name in event.changes)
            yield (
                str(event.generation),
                f"{fmt.counted(event.carried, 'trial')} carried over; changed: {names}",
            )

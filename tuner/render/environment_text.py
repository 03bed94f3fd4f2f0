"""What a session runs on and with: data, model, machine, versions, and how the space changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.recipe.trust import describe_permissions
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import fit_text, wrap_at_spaces
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.kernels_text import describe_kernels
from tuner.session import events as e
from tuner.session.view import SessionView

NamedFact = tuple[str, str]
_NAME_WIDTH = 13


def environment_lines(view: SessionView, width: int, styles: Styles) -> Lines:
    """Draw what the log says in sections; [] before the first worker."""
    sections = (
        ("Data", list(_data_facts(view))),
        ("Model", list(_model_facts(view))),
        ("Machine", list(_machine_facts(view))),
        (
            "Versions",
            [(name, sanitize_text(number)) for name, number in sorted(view.versions.items())],
        ),
        ("Generations", list(_generation_facts(view))),
    )
    lines: Lines = []
    for title, facts in sections:
        if facts:
            lines += [[(title, styles.heading)], *_fact_lines(facts, width, styles), []]
    return lines[:-1]


def _fact_lines(facts: Sequence[NamedFact], width: int, styles: Styles) -> Lines:
    lines: Lines = []
    for name, text in facts:
        folded = wrap_at_spaces(text, max(width - _NAME_WIDTH - 2, 8)) or [""]
        for number, line in enumerate(folded):
            head = (
                fit_text(sanitize_text(name), _NAME_WIDTH - 1) + " "
                if number == 0
                else " " * _NAME_WIDTH
            )
            lines.append([(f"  {head}", styles.muted), (line, styles.text)])
    return lines


def _data_facts(view: SessionView) -> Iterator[NamedFact]:
    for split, rows in view.rows.items():
        yield split, f"{fmt.format_full_count(rows)} rows"
    if view.labels:
        names = ", ".join(sanitize_text(label) or "(empty)" for label in view.labels)
        yield "labels", f"{len(view.labels)}: {names}"


def _model_facts(view: SessionView) -> Iterator[NamedFact]:
    if view.parameters:
        yield "parameters", fmt.format_count(view.parameters)
    for permission in describe_permissions(view.recipe):
        yield "trusted", permission
    for name, size in view.group_sizes.items():
        yield sanitize_text(name), fmt.format_count(size)


def _machine_facts(view: SessionView) -> Iterator[NamedFact]:
    if view.worker_host:
        yield "worker", sanitize_text(f"pid {view.worker_pid} on {view.worker_host}")
    if view.devices:
        yield "device", sanitize_text(", ".join(view.devices))
    if view.batches:
        yield "batches", sanitize_text(view.batches)
    if view.threads:
        yield "slots", fmt.format_slots_and_threads(view.slots, view.threads)
    if view.slots_choice is not None:
        yield "chosen", sanitize_text(view.slots_choice.reason)
    if view.kernels is not None:
        yield "kernels", sanitize_text(describe_kernels(view.kernels))


def _generation_facts(view: SessionView) -> Iterator[NamedFact]:
    for event in view.history:
        if isinstance(event, e.GenerationOpened):
            names = ", ".join(sanitize_text(name) for name in event.changes)
            yield (
                str(event.generation),
                f"{fmt.count_in_words(event.carried, 'trial')} carried over; changed: {names}",
            )

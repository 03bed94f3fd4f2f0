"""What every event says in one line, with its reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.cells import cell_len

from tuner.recipe.kernels import KernelsChoice
from tuner.render.confusion_cells import count_correct
from tuner.render.state_marks import one_label_text, schedule_share_text
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.kernels_text import describe_kernels
from tuner.results.state_glyphs import GLYPHS
from tuner.session import events as e
from tuner.session.events import AnyEvent, Unknown
from tuner.session.kept_evaluation import kept_evaluation
from tuner.session.rung_text import rung_comparison_text
from tuner.session.search_end import cut_short_text, has_complete_trial, reason_without_result
from tuner.session.test_seal import describe_openings
from tuner.session.view import SessionView, TrialView

TITLE_WIDTH = 16
"""Cells of the middle column, the one that says what happened."""
TIGHT_WIDTH = 56
"""Below this width seconds are left out."""


@dataclass(frozen=True)
class EventText:
    """An event in words: what happened, the numbers that decided, the whole reason, its look.

    `numbers` are all that decided, where the whole reason is too long and `short` leaves room.
    """

    title: str
    short: str = ""
    reason: str = ""
    role: str = "text"
    glyph: str = ""
    numbers: str = ""


def event_line_runs(
    event: AnyEvent | Unknown,
    view: SessionView,
    width: int,
    styles: Styles,
    *,
    numbered: bool = True,
) -> list[TextRun]:
    """Draw the event in one line of at most `width` cells: time, trial, what happened, why.

    `numbered`: with the trial's number, which says nothing where all are of the same trial.
    """
    event_text = describe_event(event, view)
    trial = getattr(event, "trial", None)
    subject = f"#{trial}" if isinstance(trial, int) else ""
    head = local_time_of_day(event.time)[: 5 if width < TIGHT_WIDTH and numbered else 8]
    lead = f"{head} {subject:>{3 if width < TIGHT_WIDTH else 5}} " if numbered else f"{head} "
    room = width - len(lead)
    sentence = fit_text(_event_sentence(event_text, room), room).rstrip() if room > 1 else ""
    return [(lead, styles.muted), (sentence, getattr(styles, event_text.role))]


def _event_sentence(event_text: EventText, room: int) -> str:
    """Take the whole reason where it fits, else the numbers that decided."""
    title = f"{event_text.glyph} {event_text.title}" if event_text.glyph else event_text.title
    if not (event_text.reason or event_text.short):
        return title
    title = fit_text(title, TITLE_WIDTH) if cell_len(title) <= TITLE_WIDTH else title
    room_left = room - cell_len(title) - 1
    texts = [text for text in (event_text.reason, event_text.numbers, event_text.short) if text]
    return f"{title} {next((text for text in texts if cell_len(text) <= room_left), texts[-1])}"


def local_time_of_day(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def describe_event(event: AnyEvent | Unknown, view: SessionView) -> EventText:
    """Put the event in words; kinds that this version does not know are shown raw."""
    if isinstance(event, Unknown):
        return EventText(
            sanitize_text(event.kind),
            reason=sanitize_text(json.dumps(event.raw, ensure_ascii=False)),
        )
    return _DESCRIBERS[type(event)](event, view)


def _trial_or_empty(view: SessionView, number: int) -> TrialView:
    return view.trials.get(number) or TrialView(number)


def _session_created_text(event: e.SessionCreated, _view: SessionView) -> EventText:
    return EventText(
        "session created", reason=f"by tuner {sanitize_text(event.tuner)}", role="muted"
    )


def _search_started_text(event: e.SessionStarted, _view: SessionView) -> EventText:
    goal = f"{event.direction} {sanitize_text(event.metric)} in {event.trials} trials"
    return EventText(
        "search resumed" if event.resumed else "search started", reason=goal, role="running"
    )


def _session_ended_text(
    title: str, glyph: str, role: str
) -> Callable[[Any, SessionView], EventText]:
    def describe_ending(event: Any, _view: SessionView) -> EventText:
        return EventText(title, reason=sanitize_text(event.reason), role=role, glyph=GLYPHS[glyph])

    return describe_ending


def _session_finished_text(event: e.SessionFinished, view: SessionView) -> EventText:
    """Older versions wrote this without a complete trial, too."""
    if has_complete_trial(view):
        return _session_ended_text("finished", "finished", "complete")(event, view)
    reason = reason_without_result(view, event.reason)
    return EventText(
        "session failed", reason=sanitize_text(reason), role="failed", glyph=GLYPHS["failed"]
    )


def _worker_started_text(event: e.WorkerStarted, _view: SessionView) -> EventText:
    devices = ", ".join(event.devices) or "no device"
    return EventText(
        "worker started", reason=sanitize_text(f"pid {event.pid} on {event.host}, {devices}")
    )


def _trial_started_text(event: e.TrialStarted, _view: SessionView) -> EventText:
    why = {"sampled": "", "enqueued": "enqueued by you"}.get(event.origin, event.origin)
    if event.resumed_at:
        return EventText("resumed", reason=f"at step {event.resumed_at}", role="muted")
    return EventText("started", reason=sanitize_text(why), role="muted")


def _step_text(event: e.Step, _view: SessionView) -> EventText:
    return EventText(
        f"step {event.step}/{event.of}", reason=f"loss {fmt.format_score(event.loss)}", role="muted"
    )


def _evaluation_text(event: e.Evaluated, view: SessionView) -> EventText:
    value = event.metrics.get(view.metric)
    score = "" if value is None else fmt.format_score(value)
    loss = f", train loss {fmt.format_score(event.train_loss)}"
    return EventText(
        fmt.format_epoch(event.epoch), score, score + loss if score else loss[2:], "muted"
    )


def _rung_decision_text(event: e.Rung, _view: SessionView) -> EventText:
    verdict = "spared" if event.spared else "kept" if event.kept else "cut"
    numbers = _rung_numbers_text(event)
    return EventText(
        f"{verdict} at {schedule_share_text(event.share)}",
        f"{fmt.format_score(event.value)} ({event.rank}/{event.among})",
        f"{numbers}, by {sanitize_text(event.rule)}",
        "paused" if event.spared else "text" if event.kept else "muted",
        numbers=numbers,
    )


def _rung_numbers_text(rung: e.Rung) -> str:
    """Return `0.5410, cutoff 0.6030, rank 7 of 9`."""
    cutoff = "" if rung.cutoff is None else f", cutoff {fmt.format_score(rung.cutoff)}"
    return f"{fmt.format_score(rung.value)}{cutoff}, rank {rung.rank} of {rung.among}"


def _trial_pruned_text(event: e.TrialPruned, view: SessionView) -> EventText:
    trial = _trial_or_empty(view, event.trial)
    share_reached = (
        f" at {schedule_share_text(trial.step / trial.total_steps)}" if trial.total_steps else ""
    )
    cut = next((rung for rung in reversed(trial.rungs) if not rung.kept), None)
    return EventText(
        f"pruned{share_reached}",
        _cutoff_comparison(cut, view) if cut else "",
        rung_comparison_text(cut) if cut else sanitize_text(event.reason),
        "pruned",
        GLYPHS["pruned"],
        _rung_numbers_text(cut) if cut else "",
    )


def _cutoff_comparison(cut: e.Rung, view: SessionView) -> str:
    worse = ">" if view.direction == "minimize" else "<"
    value = fmt.format_score(cut.value)
    return value if cut.cutoff is None else f"{value} {worse} {fmt.format_score(cut.cutoff)}"


def _trial_collapsed_text(event: e.TrialCollapsed, _view: SessionView) -> EventText:
    everything = f"predicts only {sanitize_text(event.label)}"
    return EventText(
        "collapsed", everything, sanitize_text(event.reason), "collapsed", GLYPHS["collapsed"]
    )


def _trial_completed_text(event: e.TrialCompleted, view: SessionView) -> EventText:
    took = fmt.format_duration(event.seconds)
    score = fmt.format_score(event.value)
    if event.one_label:
        took += f", {one_label_text(view, _trial_or_empty(view, event.trial))}"
    if event.share < 1.0:
        took += f", {cut_short_text(event.share)}"
    return EventText(
        "done",
        score,
        f"{score} at {fmt.format_epoch(event.epoch)}, {took}",
        "complete",
        GLYPHS["complete"],
    )


def _trial_failed_text(event: e.TrialFailed, _view: SessionView) -> EventText:
    reason = sanitize_text(f"{event.cause}: {event.error}")
    return EventText("failed", sanitize_text(event.cause), reason, "failed", GLYPHS["failed"])


def _trial_retried_text(event: e.TrialRetried, _view: SessionView) -> EventText:
    cause = sanitize_text(event.cause)
    reason = f"attempt {event.attempt + 1} after {cause}: {sanitize_text(event.error)}"
    return EventText(
        "retried", cause, reason, "paused", numbers=f"attempt {event.attempt + 1}, {cause}"
    )


def _new_best_text(event: e.BestChanged, view: SessionView) -> EventText:
    """Include the gain over the previous best."""
    score = fmt.format_score(event.value)
    before = _previous_best(view.best_changes, event)
    if before is None:
        return EventText("new best", score, f"{score}, the first one", "best", GLYPHS["best"])
    pair = (_trial_or_empty(view, event.trial), _trial_or_empty(view, before.trial))
    if pair[1].one_label and not pair[0].one_label:
        reason = f"{score}, in place of #{before.trial}: {one_label_text(view, pair[1])}"
        return EventText("new best", score, reason, "best", GLYPHS["best"])
    gain = fmt.format_score_change(event.value - before.value)
    counted = view.metric == "accuracy"
    rows = _rows_gained_text(*pair) if counted else ""
    reason = f"{score}, {gain} on #{before.trial}{f': {rows} rows' if rows else ''}"
    short = f"{score} {rows.split(' ')[0]}" if rows else score
    numbers = f"{score} ({rows})" if rows else f"{score} ({gain})"
    return EventText("new best", short, reason, "best", GLYPHS["best"], numbers)


def _previous_best(bests: Sequence[e.BestChanged], event: e.BestChanged) -> e.BestChanged | None:
    earlier = [best for best in bests if best.seq < event.seq and best.trial != event.trial]
    return earlier[-1] if earlier else None


def _rows_gained_text(best: TrialView, before: TrialView) -> str:
    """Return `+4 of 138`; "" where the two were not evaluated on as many rows."""
    new_evaluation, old_evaluation = kept_evaluation(best), kept_evaluation(before)
    if new_evaluation is None or old_evaluation is None:
        return ""
    rows = sum(map(sum, new_evaluation.confusion))
    if not rows or rows != sum(map(sum, old_evaluation.confusion)):
        return ""
    gained = count_correct(new_evaluation.confusion) - count_correct(old_evaluation.confusion)
    return f"{fmt.format_signed_count(gained)} of {rows}"


def _importance_text(event: e.Importance, _view: SessionView) -> EventText:
    ranked = sorted(event.values.items(), key=lambda item: -item[1])[:3]
    shares = ", ".join(f"{name} {fmt.format_importance(share)}" for name, share in ranked)
    return EventText("importance", reason=sanitize_text(shares))


def _generation_opened_text(event: e.GenerationOpened, _view: SessionView) -> EventText:
    names = ", ".join(map(str, event.changes))
    carried = f"{fmt.count_in_words(event.carried, 'trial')} carried over"
    count = f"{len(event.changes)} change{'s' if len(event.changes) != 1 else ''}"
    return EventText(
        f"generation {event.generation}",
        f"{count}, {event.carried} carried",
        sanitize_text(f"changed: {names}; {carried}") if names else carried,
        numbers=f"{count}, {carried}",
    )


def _data_read_text(event: e.DataRead, _view: SessionView) -> EventText:
    rows = ", ".join(f"{count} {split}" for split, count in event.rows.items())
    whole = f"{rows}, {len(event.labels)} labels"
    batches = f", batches are {event.batches}" if event.batches else ""
    return EventText("data read", sanitize_text(rows), sanitize_text(whole + batches), "muted")


def _slots_chosen_text(event: e.SlotsChosen, _view: SessionView) -> EventText:
    short = fmt.format_slots_and_threads(event.slots, event.threads)
    return EventText("slots chosen", short, sanitize_text(event.reason))


def _kernels_chosen_text(event: e.KernelsChosen, _view: SessionView) -> EventText:
    choice = msgspec.convert(event, KernelsChoice, from_attributes=True)
    short = f"{choice.precision}, {choice.products}"
    return EventText("kernels chosen", short, sanitize_text(describe_kernels(choice)))


def _test_sealed_text(event: e.TestSealed, _view: SessionView) -> EventText:
    source = sanitize_text(event.source) if event.source else "a share of validation"
    rows = fmt.count_in_words(event.rows, "row")
    return EventText("test sealed", rows, f"{rows} of {source}", "muted")


def _test_replaced_text(event: e.TestReplaced, _view: SessionView) -> EventText:
    source = sanitize_text(event.source) or "none"
    return EventText("test replaced", source, f"now {source}", "muted")


def _test_opened_text(event: e.TestScored, view: SessionView) -> EventText:
    value = event.metrics.get(view.metric)
    score = "" if value is None else fmt.format_score(value)
    rows = fmt.count_in_words(event.n, "row")
    return EventText("test opened", score, f"{score} on {rows}; {describe_openings(event)}", "best")


def _command_done_text(event: e.CommandDone, _view: SessionView) -> EventText:
    role = "muted" if event.ok else "failed"
    return EventText("command done", reason=sanitize_text(event.result), role=role)


def _log_line_text(event: e.Log, _view: SessionView) -> EventText:
    role = {"error": "failed", "warning": "paused"}.get(event.level.lower(), "muted")
    return EventText(
        sanitize_text(event.level.lower()), reason=sanitize_text(event.text), role=role
    )


_DESCRIBERS: dict[type, Callable[[Any, SessionView], EventText]] = {
    e.SessionCreated: _session_created_text,
    e.SessionStarted: _search_started_text,
    e.SessionPaused: _session_ended_text("paused", "paused", "paused"),
    e.SessionFinished: _session_finished_text,
    e.SessionStopped: _session_ended_text("stopped", "stopped", "muted"),
    e.SessionFailed: _session_ended_text("session failed", "failed", "failed"),
    e.WorkerStarted: _worker_started_text,
    e.TrialStarted: _trial_started_text,
    e.Step: _step_text,
    e.Evaluated: _evaluation_text,
    e.Rung: _rung_decision_text,
    e.TrialPruned: _trial_pruned_text,
    e.TrialCollapsed: _trial_collapsed_text,
    e.TrialCompleted: _trial_completed_text,
    e.TrialFailed: _trial_failed_text,
    e.TrialRetried: _trial_retried_text,
    e.BestChanged: _new_best_text,
    e.Importance: _importance_text,
    e.GenerationOpened: _generation_opened_text,
    e.DataRead: _data_read_text,
    e.SlotsChosen: _slots_chosen_text,
    e.KernelsChosen: _kernels_chosen_text,
    e.TestSealed: _test_sealed_text,
    e.TestReplaced: _test_replaced_text,
    e.TestScored: _test_opened_text,
    e.CommandDone: _command_done_text,
    e.Log: _log_line_text,
}

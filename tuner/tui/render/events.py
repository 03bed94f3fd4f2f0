"""What every event says in one line, with its reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import GLYPHS, plain
from tuner.session import events as e
from tuner.session.ending import cut_short_text, has_result, no_result_reason
from tuner.session.events import AnyEvent, Unknown
from tuner.session.kept import kept_evaluation
from tuner.session.seal import opened_text
from tuner.session.view import SessionView, TrialView
from tuner.tui.render.marks import one_label_words, share_text
from tuner.tui.render.matrix import right_answers
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

TITLE = 16
"""Cells of the middle column, the one that says what happened."""
TIGHT = 56
"""Below this width seconds are left out."""


@dataclass(frozen=True)
class Told:
    """An event in words: what happened, the numbers that decided, the whole reason, its look.

    `numbers` are all that decided, where the whole reason is too long and `short` leaves room.
    """

    title: str
    short: str = ""
    reason: str = ""
    role: str = "text"
    glyph: str = ""
    numbers: str = ""


def event_runs(
    event: AnyEvent | Unknown,
    view: SessionView,
    width: int,
    styles: Styles,
    *,
    numbered: bool = True,
) -> list[Run]:
    """The event in one line of at most `width` cells: time, trial, what happened, why.

    `numbered`: with the trial's number, which says nothing where all are of the same trial.
    """
    told = tell(event, view)
    trial = getattr(event, "trial", None)
    subject = f"#{trial}" if isinstance(trial, int) else ""
    head = time_of_day(event.time)[: 5 if width < TIGHT and numbered else 8]
    lead = f"{head} {subject:>{3 if width < TIGHT else 5}} " if numbered else f"{head} "
    room = width - len(lead)
    shown = fit(_sentence(told, room), room).rstrip() if room > 1 else ""
    return [(lead, styles.muted), (shown, getattr(styles, told.role))]


def _sentence(told: Told, room: int) -> str:
    """With the whole reason where it fits, else with the numbers that decided."""
    title = f"{told.glyph} {told.title}" if told.glyph else told.title
    if not (told.reason or told.short):
        return title
    title = fit(title, TITLE) if cell_len(title) <= TITLE else title
    left = room - cell_len(title) - 1
    said = [text for text in (told.reason, told.numbers, told.short) if text]
    return f"{title} {next((text for text in said if cell_len(text) <= left), said[-1])}"


def time_of_day(moment: float) -> str:
    """Hours, minutes and seconds on the reader's own clock."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def tell(event: AnyEvent | Unknown, view: SessionView) -> Told:
    """The event in words; kinds that this version does not know are shown raw."""
    if isinstance(event, Unknown):
        return Told(plain(event.kind), reason=plain(json.dumps(event.raw, ensure_ascii=False)))
    return _TELLERS[type(event)](event, view)


def _trial(view: SessionView, number: int) -> TrialView:
    return view.trials.get(number) or TrialView(number)


def _created(event: e.SessionCreated, _view: SessionView) -> Told:
    return Told("session created", reason=f"by tuner {plain(event.tuner)}", role="muted")


def _started(event: e.SessionStarted, _view: SessionView) -> Told:
    goal = f"{event.direction} {plain(event.metric)} in {event.trials} trials"
    return Told(
        "search resumed" if event.resumed else "search started", reason=goal, role="running"
    )


def _ended(title: str, glyph: str, role: str) -> Callable[[Any, SessionView], Told]:
    def teller(event: Any, _view: SessionView) -> Told:
        return Told(title, reason=plain(event.reason), role=role, glyph=GLYPHS[glyph])

    return teller


def _finished(event: e.SessionFinished, view: SessionView) -> Told:
    """Older versions wrote this without a complete trial, too."""
    if has_result(view):
        return _ended("finished", "finished", "complete")(event, view)
    reason = no_result_reason(view, event.reason)
    return Told("session failed", reason=plain(reason), role="failed", glyph=GLYPHS["failed"])


def _worker(event: e.WorkerStarted, _view: SessionView) -> Told:
    devices = ", ".join(event.devices) or "no device"
    return Told("worker started", reason=plain(f"pid {event.pid} on {event.host}, {devices}"))


def _trial_started(event: e.TrialStarted, _view: SessionView) -> Told:
    why = {"sampled": "", "enqueued": "asked for by you"}.get(event.origin, event.origin)
    if event.resumed_at:
        return Told("resumed", reason=f"at step {event.resumed_at}", role="muted")
    return Told("started", reason=plain(why), role="muted")


def _step(event: e.Step, _view: SessionView) -> Told:
    return Told(
        f"step {event.step}/{event.of}", reason=f"loss {fmt.score(event.loss)}", role="muted"
    )


def _evaluated(event: e.Evaluated, view: SessionView) -> Told:
    value = event.metrics.get(view.metric)
    score = "" if value is None else fmt.score(value)
    loss = f", train loss {fmt.score(event.train_loss)}"
    return Told(fmt.epoch(event.epoch), score, score + loss if score else loss[2:], "muted")


def _rung(event: e.Rung, _view: SessionView) -> Told:
    verdict = "spared" if event.spared else "kept" if event.kept else "cut"
    numbers = _numbers(event)
    return Told(
        f"{verdict} at {share_text(event.share)}",
        f"{fmt.score(event.value)} ({event.rank}/{event.among})",
        f"{numbers}, by {plain(event.rule)}",
        "paused" if event.spared else "text" if event.kept else "muted",
        numbers=numbers,
    )


def _numbers(rung: e.Rung) -> str:
    """0.5410, cutoff 0.6030, rank 7 of 9."""
    cutoff = "" if rung.cutoff is None else f", cutoff {fmt.score(rung.cutoff)}"
    return f"{fmt.score(rung.value)}{cutoff}, rank {rung.rank} of {rung.among}"


def _pruned(event: e.TrialPruned, view: SessionView) -> Told:
    trial = _trial(view, event.trial)
    at = f" at {share_text(trial.step / trial.of)}" if trial.of else ""
    cut = next((rung for rung in reversed(trial.rungs) if not rung.kept), None)
    return Told(
        f"pruned{at}",
        _decided(cut, view) if cut else "",
        plain(event.reason),
        "pruned",
        GLYPHS["pruned"],
        _numbers(cut) if cut else "",
    )


def _decided(cut: e.Rung, view: SessionView) -> str:
    worse = ">" if view.direction == "minimize" else "<"
    value = fmt.score(cut.value)
    return value if cut.cutoff is None else f"{value} {worse} {fmt.score(cut.cutoff)}"


def _collapsed(event: e.TrialCollapsed, _view: SessionView) -> Told:
    everything = f"all answers {plain(event.label)}"
    return Told("collapsed", everything, plain(event.reason), "collapsed", GLYPHS["collapsed"])


def _completed(event: e.TrialCompleted, view: SessionView) -> Told:
    took = fmt.duration(event.seconds)
    score = fmt.score(event.value)
    if event.one_label:
        took += f", {one_label_words(view, _trial(view, event.trial))}"
    if event.share < 1.0:
        took += f", {cut_short_text(event.share)}"
    return Told(
        "done",
        score,
        f"{score} at {fmt.epoch(event.epoch)}, {took}",
        "complete",
        GLYPHS["complete"],
    )


def _failed(event: e.TrialFailed, _view: SessionView) -> Told:
    reason = plain(f"{event.cause}: {event.error}")
    return Told("failed", plain(event.cause), reason, "failed", GLYPHS["failed"])


def _retried(event: e.TrialRetried, _view: SessionView) -> Told:
    cause = plain(event.cause)
    reason = f"attempt {event.attempt + 1} after {cause}: {plain(event.error)}"
    return Told("retried", cause, reason, "paused", numbers=f"attempt {event.attempt + 1}, {cause}")


def _best(event: e.BestChanged, view: SessionView) -> Told:
    """With what was gained on the best before."""
    score = fmt.score(event.value)
    before = _before(view.bests, event)
    if before is None:
        return Told("new best", score, f"{score}, the first one", "best", GLYPHS["best"])
    pair = (_trial(view, event.trial), _trial(view, before.trial))
    if pair[1].one_label and not pair[0].one_label:
        reason = f"{score}, in place of #{before.trial}: {one_label_words(view, pair[1])}"
        return Told("new best", score, reason, "best", GLYPHS["best"])
    gain = fmt.change(event.value - before.value)
    counted = view.metric == "accuracy"
    rows = _rows_gained(*pair) if counted else ""
    reason = f"{score}, {gain} on #{before.trial}{f': {rows} rows' if rows else ''}"
    short = f"{score} {rows.split(' ')[0]}" if rows else score
    numbers = f"{score} ({rows})" if rows else f"{score} ({gain})"
    return Told("new best", short, reason, "best", GLYPHS["best"], numbers)


def _before(bests: Sequence[e.BestChanged], event: e.BestChanged) -> e.BestChanged | None:
    earlier = [best for best in bests if best.seq < event.seq and best.trial != event.trial]
    return earlier[-1] if earlier else None


def _rows_gained(best: TrialView, before: TrialView) -> str:
    """+4 of 138; "" where the two were not evaluated on as many rows."""
    kept, old = kept_evaluation(best), kept_evaluation(before)
    if kept is None or old is None:
        return ""
    rows = sum(map(sum, kept.confusion))
    if not rows or rows != sum(map(sum, old.confusion)):
        return ""
    gained = right_answers(kept.confusion) - right_answers(old.confusion)
    return f"{gained:+d} of {rows}".replace("-", fmt.MINUS)


def _importance(event: e.Importance, _view: SessionView) -> Told:
    ranked = sorted(event.values.items(), key=lambda item: -item[1])[:3]
    return Told("importance", reason=plain(", ".join(f"{n} {v:.2f}" for n, v in ranked)))


def _generation(event: e.GenerationOpened, _view: SessionView) -> Told:
    names = ", ".join(map(str, event.changes))
    carried = f"{fmt.counted(event.carried, 'trial')} carried over"
    count = f"{len(event.changes)} change{'s' if len(event.changes) != 1 else ''}"
    return Told(
        f"generation {event.generation}",
        f"{count}, {event.carried} carried",
        plain(f"changed: {names}; {carried}") if names else carried,
        numbers=f"{count}, {carried}",
    )


def _data(event: e.DataRead, _view: SessionView) -> Told:
    rows = ", ".join(f"{count} {split}" for split, count in event.rows.items())
    whole = f"{rows}, {len(event.labels)} labels"
    batches = f", batches are {event.batches}" if event.batches else ""
    return Told("data read", plain(rows), plain(whole + batches), "muted")


def _slots(event: e.SlotsChosen, _view: SessionView) -> Told:
    short = fmt.side_by_side(event.slots, event.threads)
    return Told("slots chosen", short, plain(event.reason))


def _sealed(event: e.TestSealed, _view: SessionView) -> Told:
    source = plain(event.source) if event.source else "a share of validation"
    rows = fmt.counted(event.rows, "row")
    return Told("test sealed", rows, f"{rows} of {source}", "muted")


def _test_replaced(event: e.TestReplaced, _view: SessionView) -> Told:
    source = plain(event.source) or "none"
    return Told("test replaced", source, f"now {source}", "muted")


def _test(event: e.TestScored, view: SessionView) -> Told:
    value = event.metrics.get(view.metric)
    score = "" if value is None else fmt.score(value)
    rows = fmt.counted(event.n, "row")
    return Told("test opened", score, f"{score} on {rows}; {opened_text(event)}", "best")


def _command(event: e.CommandDone, _view: SessionView) -> Told:
    role = "muted" if event.ok else "failed"
    return Told("command done", reason=plain(event.result), role=role)


def _log(event: e.Log, _view: SessionView) -> Told:
    role = {"error": "failed", "warning": "paused"}.get(event.level.lower(), "muted")
    return Told(plain(event.level.lower()), reason=plain(event.text), role=role)


_TELLERS: dict[type, Callable[[Any, SessionView], Told]] = {
    e.SessionCreated: _created,
    e.SessionStarted: _started,
    e.SessionPaused: _ended("paused", "paused", "paused"),
    e.SessionFinished: _finished,
    e.SessionStopped: _ended("stopped", "stopped", "muted"),
    e.SessionFailed: _ended("session failed", "failed", "failed"),
    e.WorkerStarted: _worker,
    e.TrialStarted: _trial_started,
    e.Step: _step,
    e.Evaluated: _evaluated,
    e.Rung: _rung,
    e.TrialPruned: _pruned,
    e.TrialCollapsed: _collapsed,
    e.TrialCompleted: _completed,
    e.TrialFailed: _failed,
    e.TrialRetried: _retried,
    e.BestChanged: _best,
    e.Importance: _importance,
    e.GenerationOpened: _generation,
    e.DataRead: _data,
    e.SlotsChosen: _slots,
    e.TestSealed: _sealed,
    e.TestReplaced: _test_replaced,
    e.TestScored: _test,
    e.CommandDone: _command,
    e.Log: _log,
}

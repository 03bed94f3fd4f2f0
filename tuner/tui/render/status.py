"""The lines above and below the panes: what runs now, how far it is, on what, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, SessionView, TrialView
from tuner.tui.charts.bars import progress_bar
from tuner.tui.render.columns import short_metric
from tuner.tui.render.marks import session_text
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles
from tuner.tui.tally import Tally


class Facts(Protocol):
    """What is known about a session: `Feed` has it. `eta` is in seconds while it runs."""

    @property
    def view(self) -> SessionView: ...
    @property
    def tally(self) -> Tally: ...
    @property
    def state(self) -> SessionState: ...
    @property
    def stalled(self) -> bool: ...
    @property
    def eta(self) -> float | None: ...


def title_runs(
    path: Sequence[str], middle: Sequence[Run], right: Sequence[Run], width: int, styles: Styles
) -> list[Run]:
    """One line: tuner ▸ path, what is in the middle, and at the right edge what stands there."""
    trail = " ▸ ".join(["tuner", *map(plain, path)])
    used = sum(cell_len(text) for text, _ in (*middle, *right))
    trail = fit(trail, min(cell_len(trail), max(width - used - 4, 12)))
    gap = max(width - used - cell_len(trail) - 2, 1)
    lead = min(4, gap - 1) if middle else 0
    return [
        (f" {trail}", styles.heading),
        (" " * lead, styles.text),
        *middle,
        (" " * (gap - lead), styles.text),
        *right,
    ]


def state_runs(view: SessionView, tally: Tally, state: SessionState, styles: Styles) -> list[Run]:
    """● RUNNING  15/60."""
    glyph, word = session_text(state).split(" ", 1)
    counts = f"  {tally.ended}/{view.planned}" if view.planned else ""
    return [(f"{glyph} {word.upper()}", styles.session(state)), (counts, styles.text)]


def running_trials(view: SessionView, tally: Tally) -> list[TrialView]:
    """What runs now, the newest first."""
    return [view.trials[number] for number in sorted(tally.running, reverse=True)]


def progress_runs(
    view: SessionView, tally: Tally, state: SessionState, width: int, styles: Styles
) -> list[Run]:
    """What runs now, or what there is to do about it that nothing does."""
    running = running_trials(view, tally)
    if state is not SessionState.RUNNING or not running:
        soon = "…" if state in (SessionState.STARTING, SessionState.PAUSING) else ""
        glyph_word, text = session_text(state) + soon, _what_now(view, state)
        return [(f" {glyph_word}", styles.session(state)), (f"  {text}", styles.muted)]
    return _fitted(_trial_pieces(view, running, width, styles), width)


def _what_now(view: SessionView, state: SessionState) -> str:
    best = view.best_trial()
    found = f"best #{best.number} {fmt.score(best.value)}" if best else "no trial was completed"
    reason = plain(view.reason)
    return {
        SessionState.DRAFT: "s starts the search, e edits the recipe",
        SessionState.STARTING: "the worker is loading model and data",
        SessionState.RUNNING: "the next trial is about to start",
        SessionState.PAUSING: "what runs goes to its checkpoint or its end, then the worker ends",
        SessionState.PAUSED: f"no process, no memory held; p resumes · {found}",
        SessionState.FINISHED: f"{found}{f' · {reason}' if reason else ''}; E exports it",
        SessionState.STOPPED: f"{found}; E exports it",
        SessionState.FAILED: reason or "the log says why",
        SessionState.CRASHED: "the worker is gone without a word; p resumes from its checkpoints",
    }[state]


def _trial_pieces(
    view: SessionView, running: Sequence[TrialView], width: int, styles: Styles
) -> list[list[Run]]:
    trial = running[0]
    share = trial.step / trial.of if trial.of else 0.0
    bar = progress_bar(share, 22 if width >= 100 else 12)
    pieces: list[list[Run]] = [
        [(f" #{trial.number} ", styles.running), (bar, styles.accent)],
        [(fmt.percent(share) if trial.of else "starting", styles.text)],
    ]
    if trial.loss is not None:
        pieces.append([("loss ", styles.muted), (f"{trial.loss:.4f}", styles.text)])
    if trial.value is not None:
        name = short_metric(view.metric).lower()
        pieces.append([(f"{name} ", styles.muted), (fmt.score(trial.value), styles.text)])
    if trial.rungs:
        rung = trial.rungs[-1]
        place = f"{rung.rank} of {rung.among} at {fmt.percent(rung.share)}"
        pieces.append([("rung ", styles.muted), (place, styles.text)])
    if trial.of:
        pieces.append([("step ", styles.muted), (f"{trial.step}/{trial.of}", styles.text)])
    if len(running) > 1:
        pieces.append([(f"and {len(running) - 1} more", styles.muted)])
    return pieces


def _fitted(pieces: Sequence[list[Run]], width: int) -> list[Run]:
    """Pieces with two spaces between them, as many as fit."""
    runs: list[Run] = []
    room = width
    for piece in pieces:
        room -= 2 + sum(cell_len(text) for text, _ in piece)
        if room < 0:
            break
        runs += [*piece, ("  ", piece[-1][1])]
    return runs


def spent_runs(feed: Facts, now: float, width: int, styles: Styles) -> list[Run]:
    """Progress of the whole search: trials, time, rate, what is left, what pruning saved."""
    view, tally, state = feed.view, feed.tally, feed.state
    share = tally.ended / view.planned if view.planned else 0.0
    bar = progress_bar(share, 32 if width >= 100 else 14)
    trials = f"{tally.ended}/{view.planned} trials" if view.planned else "no trial is planned"
    pieces: list[list[Run]] = [[(" ", styles.text), (bar, styles.accent)], [(trials, styles.text)]]
    spent = spent_seconds(view, state, now)
    budget = _time_budget(view)
    if spent > 0:
        of = f" of {fmt.clock(budget)}" if budget else ""
        pieces.append([("time ", styles.muted), (fmt.clock(spent) + of, styles.text)])
    if spent > 0 and tally.ended:
        pieces.append([(f"{3600 * tally.ended / spent:.3g} trials/h", styles.text)])
    if feed.eta is not None:
        pieces.append([("left ≈ ", styles.muted), (fmt.clock(feed.eta), styles.text)])
    if tally.saved >= 1 and (width >= 100 or state not in ALIVE):
        saved = fmt.duration_words(tally.saved)
        pieces.append([("saved by pruning ≈ ", styles.muted), (saved, styles.text)])
    return _fitted(pieces, width)


def spent_seconds(view: SessionView, state: SessionState, now: float) -> float:
    """Seconds in which a worker was at work, until now where one is."""
    spent = view.active_seconds
    if state in ALIVE and view.active and view.last_time is not None:
        spent += max(now - view.last_time, 0.0)
    return spent


def _time_budget(view: SessionView) -> float | None:
    search = view.recipe.get("search")
    budget = search.get("time") if isinstance(search, dict) else None
    return float(budget) if isinstance(budget, (int, float)) else None


def device_runs(feed: Facts, now: float, width: int, styles: Styles) -> list[Run]:
    """On what it runs and how fast, the more important first: what does not fit is left out."""
    view, tally, state = feed.view, feed.tally, feed.state
    running = running_trials(view, tally)
    devices = dict.fromkeys(trial.device for trial in running if trial.device) or view.devices
    pieces: list[list[Run]] = [[(f" {plain(', '.join(devices)) or 'no device yet'}", styles.text)]]
    pieces += [[(piece, styles.text)] for piece in (plain(view.batches), slots_text(view)) if piece]
    rate = sum(trial.examples_per_second for trial in running)
    if rate and state in ALIVE:
        pieces.append([(fmt.speed(rate), styles.text), (" examples/s", styles.muted)])
    memory = sum(trial.memory for trial in running)
    if memory:
        pieces.append([("memory ", styles.muted), (fmt.bytes(memory), styles.text)])
    if feed.stalled:
        pieces.append([("⚠ silent, perhaps stalled", styles.failed)])
    if view.last_time is not None:
        pieces.append([("last word ", styles.muted), (fmt.ago(now - view.last_time), styles.text)])
    if state in ALIVE and view.worker_pid is not None:
        where = f"pid {view.worker_pid} on {plain(view.worker_host or '')}"
        pieces.append([("worker ", styles.muted), (where, styles.text)])
    return _fitted(pieces, width)


def slots_text(view: SessionView) -> str:
    """2 × 1 thread; nothing where the log of an older version does not tell."""
    return fmt.side_by_side(view.slots, view.threads) if view.threads else ""

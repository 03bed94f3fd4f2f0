"""The lines above and below the panes: what runs now, how far it is, on what, for how long."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import GLYPHS, plain
from tuner.session.budget import seconds_spent, time_budget
from tuner.session.scores import validation_majority
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, SessionView, TrialView
from tuner.tui.charts.bars import progress_bar
from tuner.tui.charts.curves import epochs_of
from tuner.tui.facts import Facts
from tuner.tui.gpu import GpuReading, short_name
from tuner.tui.machine import MachineReading
from tuner.tui.render.columns import short_metric
from tuner.tui.render.marks import session_text
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles
from tuner.tui.tally import Tally

_EXPORTS = "; E exports it"


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
    counts = f"  {tally.ended}/{tally.planned(view)}" if view.planned else ""
    return [(f"{glyph} {word.upper()}", styles.session(state)), (counts, styles.text)]


def running_trials(view: SessionView, tally: Tally) -> list[TrialView]:
    """What runs now, the newest first."""
    return [view.trials[number] for number in sorted(tally.running, reverse=True)]


def progress_runs(
    view: SessionView,
    tally: Tally,
    state: SessionState,
    width: int,
    styles: Styles,
    times: Sequence[Run] = (),
) -> list[Run]:
    """What runs now, or what there is to do about it that nothing does; `times` at the right."""
    running = running_trials(view, tally)
    if state is not SessionState.RUNNING or not running:
        soon = "…" if state in (SessionState.STARTING, SessionState.PAUSING) else ""
        glyph_word, text = session_text(state) + soon, _what_now(view, state)
        if cell_len(f" {glyph_word}  {text}") > width:
            text = text.removesuffix(_EXPORTS)
        return [(f" {glyph_word}", styles.session(state)), (f"  {text}", styles.muted)]
    taken = sum(cell_len(text) for text, _ in times)
    runs = _fitted(_trial_pieces(view, running, width, styles), width - taken)
    gap = width - taken - sum(cell_len(text) for text, _ in runs)
    return [*runs, (" " * gap, styles.text), *times] if times and gap >= 0 else runs


def times_runs(feed: Facts, now: float, width: int, styles: Styles) -> list[Run]:
    """│ 1:12:40 left ≈ 4:02:00; nothing before anything was spent."""
    spent = seconds_spent(feed.view, now)
    if spent <= 0 or feed.state not in ALIVE:
        return []
    elapsed = "elapsed " if width >= 100 else ""
    runs: list[Run] = [("│ ", styles.faint), (elapsed, styles.muted)]
    runs.append((fmt.clock(spent) + " ", styles.text))
    if feed.eta is not None:
        runs += [("left ≈ ", styles.muted), (fmt.clock(feed.eta) + " ", styles.text)]
    return runs


def _what_now(view: SessionView, state: SessionState) -> str:
    best = view.best_trial()
    found = best_text(view) if best else "no trial was completed"
    reason = plain(view.reason)
    return {
        SessionState.DRAFT: "s starts the search, e edits the recipe",
        SessionState.STARTING: "the worker is loading model and data",
        SessionState.RUNNING: "the next trial is about to start",
        SessionState.PAUSING: "what runs goes to its checkpoint or its end, then the worker ends",
        SessionState.PAUSED: f"no process, no memory held; p resumes · {found}",
        SessionState.FINISHED: f"{found}{f' · {reason}' if reason else ''}{_EXPORTS}",
        SessionState.STOPPED: f"{found}{_EXPORTS}",
        SessionState.FAILED: reason or "the log says why",
        SessionState.CRASHED: "the worker is gone without a word; p resumes from its checkpoints",
    }[state]


def best_text(view: SessionView) -> str:
    """best #3 0.8123 (majority 0.5634); nothing while no trial is complete."""
    best, floor = view.best_trial(), validation_majority(view)
    if best is None:
        return ""
    beside = "" if floor is None else f" (majority {fmt.score(floor.value)})"
    return f"best #{best.number} {fmt.score(best.value)}{beside}"


def _trial_pieces(
    view: SessionView, running: Sequence[TrialView], width: int, styles: Styles
) -> list[list[Run]]:
    trial = running[0]
    share = trial.step / trial.of if trial.of else 0.0
    wide = width >= 100
    bar = progress_bar(share, 18 if wide else 10)
    pieces: list[list[Run]] = [
        [(f" #{trial.number} ", styles.running), *_epochs(view, trial, styles, wide=wide)],
        [(bar, styles.accent)] if trial.of else [("starting", styles.text)],
    ]
    if trial.loss is not None:
        pieces.append([("loss ", styles.muted), (fmt.score(trial.loss), styles.text)])
    if trial.value is not None:
        name = short_metric(view.metric).lower()
        pieces.append([(f"{name} ", styles.muted), (fmt.score(trial.value), styles.text)])
    if trial.rungs:
        rung = trial.rungs[-1]
        verdict = "✓" if rung.kept else GLYPHS["pruned"]
        place = f"{fmt.percent(rung.share)} {verdict} {rung.rank} of {rung.among}"
        pieces.append([("rung ", styles.muted), (place, styles.text)])
    if trial.of:
        pieces.append([("step ", styles.muted), (f"{trial.step}/{trial.of}", styles.text)])
    if len(running) > 1:
        pieces.append([(f"and {len(running) - 1} more", styles.muted)])
    return pieces


def _epochs(view: SessionView, trial: TrialView, styles: Styles, *, wide: bool) -> list[Run]:
    """Epoch 3/5: the one that runs, where it is known how many there are."""
    total = epochs_of(trial, view)
    if not total or not trial.of:
        return []
    done = total * trial.step / trial.of
    at = min(math.floor(done + 1e-9) + 1, math.ceil(total))
    return [("epoch " if wide else "ep ", styles.muted), (f"{at}/{fmt.amount(total)}", styles.text)]


def _fitted(pieces: Sequence[list[Run]], width: int) -> list[Run]:
    """Pieces with two spaces between them, in their order, as many as fit."""
    runs: list[Run] = []
    room = width
    for piece in pieces:
        size = 2 + sum(cell_len(text) for text, _ in piece)
        if size > room:
            continue
        room -= size
        runs += [*piece, ("  ", piece[-1][1])]
    return runs


def spent_runs(
    feed: Facts, now: float, width: int, styles: Styles, gpu: GpuReading | None = None
) -> list[Run]:
    """Progress of the whole search: trials, time, rate, what pruning saved.

    On a narrow screen, which has no other line for it, the GPU comes first.
    """
    view, tally, state = feed.view, feed.tally, feed.state
    narrow, alive = width < 100, state in ALIVE
    share = tally.ended / tally.planned(view) if view.planned else 0.0
    trials = (
        f"{tally.ended}/{tally.planned(view)} trials" if view.planned else "no trial is planned"
    )
    pieces: list[list[Run]] = [[(" ", styles.text), *_gpu_load(gpu, styles, 10)]] if gpu else []
    if not (narrow and gpu):
        bar = progress_bar(share, 14 if narrow else 32)
        pieces = [[(" ", styles.text), (bar, styles.accent)]]
    pieces.append([(trials, styles.text)])
    spent, budget = seconds_spent(view, now), time_budget(view)
    if spent > 0:
        of = f" of {fmt.clock(budget)}" if budget else ""
        pieces.append([(fmt.clock(spent) + of, styles.text)])
    if narrow and alive:
        pieces += _rate(feed, styles)
    if spent > 0 and tally.ended:
        pieces.append([(f"{fmt.amount(3600 * tally.ended / spent)} trials/h", styles.text)])
    if tally.saved >= 1 and not (narrow and alive):
        saved = fmt.duration_words(tally.saved)
        pieces.append([("saved by pruning ≈ ", styles.muted), (saved, styles.text)])
    if narrow and gpu:
        pieces += _gpu_details(gpu, styles)
    return _fitted(pieces, width)


def device_runs(
    feed: Facts, now: float, width: int, styles: Styles, machine: MachineReading | None = None
) -> list[Run]:
    """On what it runs and how fast, the more important first: what does not fit is left out."""
    view, tally, state = feed.view, feed.tally, feed.state
    machine = machine or MachineReading()
    running = running_trials(view, tally)
    if machine.gpu is not None:
        pieces = [[(" ", styles.text), *_gpu_load(machine.gpu, styles, 14)]]
        pieces += _gpu_details(machine.gpu, styles)
    else:
        devices = dict.fromkeys(trial.device for trial in running if trial.device) or view.devices
        pieces = [[(f" {plain(', '.join(devices)) or 'no device yet'}", styles.text)]]
    if feed.stalled:
        pieces.append([("⚠ silent, perhaps stalled", styles.failed)])
    pieces += [[(piece, styles.text)] for piece in (plain(view.batches), slots_text(view)) if piece]
    if state in ALIVE:
        pieces += _rate(feed, styles)
    memory = sum(trial.memory for trial in running)
    if memory and machine.gpu is None:
        pieces.append([("memory ", styles.muted), (fmt.bytes(memory), styles.text)])
    if machine.checkpoints:
        pieces.append(
            [("checkpoint ", styles.muted), (fmt.bytes(machine.checkpoints), styles.text)]
        )
    if view.last_time is not None:
        pieces.append([("last word ", styles.muted), (fmt.ago(now - view.last_time), styles.text)])
    if state in ALIVE and view.worker_pid is not None:
        where = f"pid {view.worker_pid} on {plain(view.worker_host or '')}"
        pieces.append([("worker ", styles.muted), (where, styles.text)])
    return _fitted(pieces, width)


def gpu_title_runs(gpu: GpuReading, width: int, styles: Styles) -> list[Run]:
    """GPU0 H100 80GB 78% 61°C, for the end of a title line."""
    load = "" if gpu.load is None else " idle" if gpu.load < 0.01 else f" {fmt.percent(gpu.load)}"
    heat = "" if gpu.celsius is None else f" {gpu.celsius}°C"
    name = f" {plain(short_name(gpu.name))}" if width >= 60 else ""
    return [(f"GPU{gpu.number}{name}{load}{heat}", styles.muted)]


def _gpu_load(gpu: GpuReading, styles: Styles, bar: int) -> list[Run]:
    name = f"GPU{gpu.number} {plain(short_name(gpu.name))}"
    if gpu.load is None:
        return [(name, styles.text)]
    drawn = progress_bar(gpu.load, bar)
    return [(f"{name} ", styles.text), (drawn, styles.accent), (f" {gpu.load:.0%}", styles.text)]


def _gpu_details(gpu: GpuReading, styles: Styles) -> list[list[Run]]:
    """Memory, temperature, power: what the driver tells."""
    pieces: list[list[Run]] = []
    if gpu.used is not None and gpu.total:
        used = f"{gpu.used / 2**30:.1f}/{gpu.total / 2**30:.1f} GiB"
        pieces.append([("mem ", styles.muted), (used, styles.text)])
    if gpu.celsius is not None:
        pieces.append([(f"{gpu.celsius}°C", styles.text)])
    if gpu.watts is not None:
        pieces.append([(f"{gpu.watts:.0f} W", styles.text)])
    return pieces


def _rate(feed: Facts, styles: Styles) -> list[list[Run]]:
    """Examples a second of all that runs, and the share of its time that evaluating takes."""
    running = running_trials(feed.view, feed.tally)
    rate = sum(trial.examples_per_second for trial in running)
    pieces: list[list[Run]] = []
    if rate:
        pieces.append([(fmt.speed(rate), styles.text), (" examples/s", styles.muted)])
    spent = sum(trial.seconds for trial in running)
    evaluating = sum(item.seconds for trial in running for item in trial.evaluations)
    if evaluating and spent:
        share = min(evaluating / spent, 1.0)
        pieces.append([("eval ", styles.muted), (fmt.percent(share), styles.text)])
    return pieces


def slots_text(view: SessionView) -> str:
    """2 × 1 thread; nothing where the log of an older version does not tell."""
    return fmt.side_by_side(view.slots, view.threads) if view.threads else ""

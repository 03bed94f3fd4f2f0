"""The lines above and below the panes: what runs now, how far it is, on what, for how long."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from tuner.render.charts.inline_bars import draw_progress_bar
from tuner.render.charts.learning_curves import epochs_of_schedule
from tuner.render.machine_reading import GpuReading, MachineReading, short_gpu_name
from tuner.render.session_facts import SessionFacts
from tuner.render.state_marks import session_state_text
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.render.trial_columns import metric_abbreviation
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.budget import time_budget_seconds, training_seconds_spent
from tuner.session.scores import majority_of_validation
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import ALIVE_STATES, SessionState, SessionView, TrialView

_EXPORTS = "; E exports it"


def screen_title_runs(
    path: Sequence[str],
    middle: Sequence[TextRun],
    right: Sequence[TextRun],
    width: int,
    styles: Styles,
) -> list[TextRun]:
    """Draw one line: tuner ▸ path, the middle part, and the right part at the right edge."""
    trail = " ▸ ".join(["tuner", *map(sanitize_text, path)])
    used = sum(cell_len(text) for text, _ in (*middle, *right))
    trail = fit_text(trail, min(cell_len(trail), max(width - used - 4, 12)))
    gap = max(width - used - cell_len(trail) - 2, 1)
    lead = min(4, gap - 1) if middle else 0
    return [
        (f" {trail}", styles.heading),
        (" " * lead, styles.text),
        *middle,
        (" " * (gap - lead), styles.text),
        *right,
    ]


def session_state_runs(
    view: SessionView, tally: TrialCounter, state: SessionState, styles: Styles
) -> list[TextRun]:
    """Return `● RUNNING  15/60`."""
    glyph, word = session_state_text(state).split(" ", 1)
    counts = f"  {tally.ended_count}/{tally.planned_trials(view)}" if view.planned else ""
    return [(f"{glyph} {word.upper()}", styles.session_style(state)), (counts, styles.text)]


def running_trials(view: SessionView, tally: TrialCounter) -> list[TrialView]:
    """Return the running trials, the newest first."""
    return [view.trials[number] for number in sorted(tally.running, reverse=True)]


def progress_runs(
    view: SessionView,
    tally: TrialCounter,
    state: SessionState,
    width: int,
    styles: Styles,
    times: Sequence[TextRun] = (),
) -> list[TextRun]:
    """Draw the running trial, or else what to do next; `times` stand at the right."""
    running = running_trials(view, tally)
    if state is not SessionState.RUNNING or not running:
        soon = "…" if state in (SessionState.STARTING, SessionState.PAUSING) else ""
        glyph_word, text = session_state_text(state) + soon, _next_step_text(view, state)
        if cell_len(f" {glyph_word}  {text}") > width:
            text = text.removesuffix(_EXPORTS)
        return [(f" {glyph_word}", styles.session_style(state)), (f"  {text}", styles.muted)]
    times_width = sum(cell_len(text) for text, _ in times)
    runs = _fit_pieces(_running_trial_pieces(view, running, width, styles), width - times_width)
    gap = width - times_width - sum(cell_len(text) for text, _ in runs)
    return [*runs, (" " * gap, styles.text), *times] if times and gap >= 0 else runs


def elapsed_time_runs(
    reader: SessionFacts, now: float, width: int, styles: Styles
) -> list[TextRun]:
    """Return `│ 1:12:40 left ≈ 4:02:00`; nothing before any time was spent."""
    spent = training_seconds_spent(reader.view, now)
    if spent <= 0 or reader.state not in ALIVE_STATES:
        return []
    elapsed = "elapsed " if width >= 100 else ""
    runs: list[TextRun] = [("│ ", styles.faint), (elapsed, styles.muted)]
    runs.append((fmt.format_clock(spent) + " ", styles.text))
    if reader.remaining_seconds is not None:
        runs += [
            ("left ≈ ", styles.muted),
            (fmt.format_clock(reader.remaining_seconds) + " ", styles.text),
        ]
    return runs


def _next_step_text(view: SessionView, state: SessionState) -> str:
    best = view.find_best_trial()
    best_result = best_trial_text(view) if best else "no trial has completed"
    reason = sanitize_text(view.reason)
    return {
        SessionState.DRAFT: "s starts the search, e edits the recipe",
        SessionState.STARTING: "the worker is loading model and data",
        SessionState.RUNNING: "the next trial is about to start",
        SessionState.PAUSING: "running trials go to their checkpoint or end, then the worker exits",
        SessionState.PAUSED: f"no process running, no memory in use; p resumes · {best_result}",
        SessionState.FINISHED: f"{best_result}{f' · {reason}' if reason else ''}{_EXPORTS}",
        SessionState.STOPPED: f"{best_result}{_EXPORTS}",
        SessionState.FAILED: reason or "see the log",
        SessionState.CRASHED: "the worker died; p resumes from its checkpoints",
    }[state]


def best_trial_text(view: SessionView) -> str:
    """Return `best #3 0.8123 (majority 0.5634)`; "" while no trial is complete."""
    best, floor = view.find_best_trial(), majority_of_validation(view)
    if best is None:
        return ""
    beside = "" if floor is None else f" (majority {fmt.format_score(floor.value)})"
    return f"best #{best.number} {fmt.format_score(best.value)}{beside}"


def _running_trial_pieces(
    view: SessionView, running: Sequence[TrialView], width: int, styles: Styles
) -> list[list[TextRun]]:
    trial = running[0]
    share = trial.step / trial.total_steps if trial.total_steps else 0.0
    wide = width >= 100
    bar = draw_progress_bar(share, 18 if wide else 10)
    pieces: list[list[TextRun]] = [
        [(f" #{trial.number} ", styles.running), *_epoch_runs(view, trial, styles, wide=wide)],
        [(bar, styles.accent)] if trial.total_steps else [("starting", styles.text)],
    ]
    if trial.loss is not None:
        pieces.append([("loss ", styles.muted), (fmt.format_score(trial.loss), styles.text)])
    if trial.value is not None:
        name = metric_abbreviation(view.metric).lower()
        pieces.append([(f"{name} ", styles.muted), (fmt.format_score(trial.value), styles.text)])
    if trial.rungs:
        rung = trial.rungs[-1]
        verdict = "✓" if rung.kept else GLYPHS["pruned"]
        place = f"{fmt.format_percent(rung.share)} {verdict} {rung.rank} of {rung.among}"
        pieces.append([("rung ", styles.muted), (place, styles.text)])
    if trial.total_steps:
        pieces.append([("step ", styles.muted), (f"{trial.step}/{trial.total_steps}", styles.text)])
    if len(running) > 1:
        pieces.append([(f"and {len(running) - 1} more", styles.muted)])
    return pieces


def _epoch_runs(
    view: SessionView, trial: TrialView, styles: Styles, *, wide: bool
) -> list[TextRun]:
    """Return `epoch 3/5`, the running one; nothing where the number of epochs is not known."""
    total = epochs_of_schedule(trial, view)
    if not total or not trial.total_steps:
        return []
    done = total * trial.step / trial.total_steps
    current = min(math.floor(done + 1e-9) + 1, math.ceil(total))
    return [
        ("epoch " if wide else "ep ", styles.muted),
        (f"{current}/{fmt.format_amount(total)}", styles.text),
    ]


def _fit_pieces(pieces: Sequence[list[TextRun]], width: int) -> list[TextRun]:
    """Join pieces with two spaces, in their order, as many as fit."""
    runs: list[TextRun] = []
    room = width
    for piece in pieces:
        size = 2 + sum(cell_len(text) for text, _ in piece)
        if size > room:
            continue
        room -= size
        runs += [*piece, ("  ", piece[-1][1])]
    return runs


def search_progress_runs(
    reader: SessionFacts, now: float, width: int, styles: Styles, gpu: GpuReading | None = None
) -> list[TextRun]:
    """Draw the progress of the whole search: trials, time, rate, what pruning saved.

    On a narrow screen, which has no other line for it, the GPU comes first.
    """
    view, tally, state = reader.view, reader.trial_counts, reader.state
    narrow, alive = width < 100, state in ALIVE_STATES
    share = tally.ended_count / tally.planned_trials(view) if view.planned else 0.0
    trials = (
        f"{tally.ended_count}/{tally.planned_trials(view)} trials"
        if view.planned
        else "no trial is planned"
    )
    pieces: list[list[TextRun]] = (
        [[(" ", styles.text), *_gpu_load_runs(gpu, styles, 10)]] if gpu else []
    )
    if not (narrow and gpu):
        bar = draw_progress_bar(share, 14 if narrow else 32)
        pieces = [[(" ", styles.text), (bar, styles.accent)]]
    pieces.append([(trials, styles.text)])
    spent, budget = training_seconds_spent(view, now), time_budget_seconds(view)
    if spent > 0:
        budget_text = f" of {fmt.format_clock(budget)}" if budget else ""
        pieces.append([(fmt.format_clock(spent) + budget_text, styles.text)])
    if narrow and alive:
        pieces += _throughput_pieces(reader, styles)
    if spent > 0 and tally.ended_count:
        pieces.append(
            [(f"{fmt.format_amount(3600 * tally.ended_count / spent)} trials/h", styles.text)]
        )
    if tally.seconds_saved >= 1 and not (narrow and alive):
        saved = fmt.format_duration_in_words(tally.seconds_saved)
        pieces.append([("saved by pruning ≈ ", styles.muted), (saved, styles.text)])
    if narrow and gpu:
        pieces += _gpu_detail_pieces(gpu, styles)
    return _fit_pieces(pieces, width)


def device_status_runs(
    reader: SessionFacts,
    now: float,
    width: int,
    styles: Styles,
    machine: MachineReading | None = None,
) -> list[TextRun]:
    """Draw device and speed, the more important first; what does not fit is left out."""
    view, tally, state = reader.view, reader.trial_counts, reader.state
    machine = machine or MachineReading()
    running = running_trials(view, tally)
    if machine.gpu is not None:
        pieces = [[(" ", styles.text), *_gpu_load_runs(machine.gpu, styles, 14)]]
        pieces += _gpu_detail_pieces(machine.gpu, styles)
    else:
        devices = dict.fromkeys(trial.device for trial in running if trial.device) or view.devices
        pieces = [[(f" {sanitize_text(', '.join(devices)) or 'no device yet'}", styles.text)]]
    if reader.is_stalled:
        pieces.append([("⚠ no news, may be stalled", styles.failed)])
    pieces += [
        [(piece, styles.text)]
        for piece in (sanitize_text(view.batches), slots_and_threads(view))
        if piece
    ]
    if state in ALIVE_STATES:
        pieces += _throughput_pieces(reader, styles)
    memory = sum(trial.memory for trial in running)
    if memory and machine.gpu is None:
        pieces.append([("memory ", styles.muted), (fmt.format_bytes(memory), styles.text)])
    if machine.checkpoints:
        pieces.append(
            [("checkpoint ", styles.muted), (fmt.format_bytes(machine.checkpoints), styles.text)]
        )
    if view.last_time is not None:
        pieces.append(
            [
                ("last event ", styles.muted),
                (fmt.format_time_ago(now - view.last_time), styles.text),
            ]
        )
    if state in ALIVE_STATES and view.worker_pid is not None:
        where = f"pid {view.worker_pid} on {sanitize_text(view.worker_host or '')}"
        pieces.append([("worker ", styles.muted), (where, styles.text)])
    return _fit_pieces(pieces, width)


def gpu_title_runs(gpu: GpuReading, width: int, styles: Styles) -> list[TextRun]:
    """Return `GPU0 H100 80GB 78 % 61°C`, for the end of a title line."""
    load = (
        ""
        if gpu.load is None
        else " idle"
        if gpu.load < 0.01
        else f" {fmt.format_percent(gpu.load)}"
    )
    heat = "" if gpu.celsius is None else f" {gpu.celsius}°C"
    name = f" {sanitize_text(short_gpu_name(gpu.name))}" if width >= 60 else ""
    return [(f"GPU{gpu.number}{name}{load}{heat}", styles.muted)]


def _gpu_load_runs(gpu: GpuReading, styles: Styles, bar: int) -> list[TextRun]:
    name = f"GPU{gpu.number} {sanitize_text(short_gpu_name(gpu.name))}"
    if gpu.load is None:
        return [(name, styles.text)]
    bar_text = draw_progress_bar(gpu.load, bar)
    load = f" {fmt.format_percent(gpu.load)}"
    return [(f"{name} ", styles.text), (bar_text, styles.accent), (load, styles.text)]


def _gpu_detail_pieces(gpu: GpuReading, styles: Styles) -> list[list[TextRun]]:
    """Return memory, temperature, power, as far as the driver reports them."""
    pieces: list[list[TextRun]] = []
    if gpu.used is not None and gpu.total:
        memory = fmt.format_bytes_of(gpu.used, gpu.total)
        pieces.append([("mem ", styles.muted), (memory, styles.text)])
    if gpu.celsius is not None:
        pieces.append([(f"{gpu.celsius}°C", styles.text)])
    if gpu.watts is not None:
        pieces.append([(f"{round(gpu.watts)} W", styles.text)])
    return pieces


def _throughput_pieces(reader: SessionFacts, styles: Styles) -> list[list[TextRun]]:
    """Return examples per second of all running trials, and their share of time in evaluation."""
    running = running_trials(reader.view, reader.trial_counts)
    rate = sum(trial.examples_per_second for trial in running)
    pieces: list[list[TextRun]] = []
    if rate:
        pieces.append([(fmt.format_speed(rate), styles.text), (" examples/s", styles.muted)])
    spent = sum(trial.seconds for trial in running)
    evaluating = sum(item.seconds for trial in running for item in trial.evaluations)
    if evaluating and spent:
        share = min(evaluating / spent, 1.0)
        pieces.append([("eval ", styles.muted), (fmt.format_percent(share), styles.text)])
    return pieces


def slots_and_threads(view: SessionView) -> str:
    """Return `2 × 1 thread`; "" where the log of an older version does not say."""
    return fmt.format_slots_and_threads(view.slots, view.threads) if view.threads else ""

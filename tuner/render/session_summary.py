"""A session in a row, and its summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from rich.cells import cell_len

from tuner.recipe.model_label import short_model_label
from tuner.recipe.ranges import Space
from tuner.recipe.types import Range, SearchSection
from tuner.render.charts.axes import Scale
from tuner.render.charts.inline_bars import draw_range_bar
from tuner.render.range_text import searched_settings
from tuner.render.renderable_lines import Lines
from tuner.render.session_facts import SessionFacts
from tuner.render.status_text import best_trial_text
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import (
    fit_text,
    pack_into_lines,
    short_group_name,
    short_setting_names,
)
from tuner.results import format as fmt
from tuner.results.format import format_range_end, sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.budget import time_budget_seconds, training_seconds_spent
from tuner.session.view import ALIVE_STATES, SessionState, SessionView, TrialState


def session_model_name(view: SessionView) -> str:
    return fmt.NONE if view.recipe is None else view.recipe.model.name


def session_data_root(view: SessionView) -> str:
    """Return the folder that relative names in the recipe start from."""
    return "" if view.recipe is None else view.recipe.data.root or ""


def short_model_name(view: SessionView) -> str:
    """Leave out the model's owner, and folders that add nothing."""
    return sanitize_text(short_model_label(session_model_name(view), session_data_root(view)))


def session_dataset_name(view: SessionView) -> str:
    """Return the hub's name of the data set, or the folder of the training file."""
    train = "" if view.recipe is None else view.recipe.data.train
    if train.startswith("hub:"):
        parts = train.split(":")
        return sanitize_text(parts[2] if len(parts) > 3 else PurePath(parts[1]).name)
    path = PurePath(train)
    folder = path.parent.name
    return sanitize_text(folder if folder not in ("", "data") else path.stem) or fmt.NONE


def session_summary_lines(reader: SessionFacts, now: float, width: int, styles: Styles) -> Lines:
    """Draw the summary: worker, objective, search, budget, ranges, counts."""
    view = reader.view
    facts = [
        ("worker", _worker_text(reader, now)),
        ("objective", f"{view.direction} validation {sanitize_text(view.metric)}"),
        ("search", _search_text(view)),
        ("budget", _budget_text(reader, now)),
    ]
    lines: Lines = []
    for name, text in facts:
        lines.append(
            [(f" {name:<11}", styles.muted), (fit_text(text, width - 13).rstrip(), styles.text)]
        )
    space = searched_settings(view)
    return [
        *lines,
        [],
        *_search_space_lines(space, width, styles),
        [],
        _trial_count_runs(reader, styles),
    ]


def _worker_text(reader: SessionFacts, now: float) -> str:
    view, state = reader.view, reader.state
    if state is SessionState.DRAFT:
        return "none yet, s starts it"
    if state not in ALIVE_STATES or view.worker_pid is None:
        return f"none · {sanitize_text(view.reason)}" if view.reason else "none"
    last_event_text = (
        ""
        if view.last_time is None
        else f" · last event {fmt.format_time_ago(now - view.last_time)}"
    )
    return f"pid {view.worker_pid} on {sanitize_text(view.worker_host or '')}{last_event_text}"


def _search_text(view: SessionView) -> str:
    search = SearchSection() if view.recipe is None else view.recipe.search
    return f"{search.sampler.upper()} · pruner {search.pruner} · seed {search.seed}"


def _budget_text(reader: SessionFacts, now: float) -> str:
    view = reader.view
    limit = time_budget_seconds(view)
    hours = f" or {fmt.format_duration_in_words(limit)}" if limit is not None else ""
    spent = training_seconds_spent(view, now)
    used = f" · spent {fmt.format_duration_in_words(spent)}" if spent else ""
    more = (
        f" · left ≈ {fmt.format_duration_in_words(reader.remaining_seconds)}"
        if reader.remaining_seconds
        else ""
    )
    trials = fmt.count_in_words(reader.trial_counts.planned_trials(view), "trial")
    return f"{trials}{hours}{used}{more}"


def _search_space_lines(space: Space, width: int, styles: Styles) -> Lines:
    rates = {
        name: setting
        for name, setting in space.items()
        if name.startswith("lr.") and isinstance(setting, Range)
    }
    other_settings = {name: setting for name, setting in space.items() if name not in rates}
    if not space:
        return [[(" no setting is searched", styles.muted)]]
    lines: Lines = [[(" learning rates", styles.muted)]] if rates else []
    lines += _rate_range_lines(rates, width, styles)
    short = short_setting_names(list(other_settings), 12)
    texts = [
        f"{short[name]} {fmt.format_recipe_setting(setting)}"
        for name, setting in other_settings.items()
    ]
    return [
        *lines,
        *([(f"   {line}", styles.text)] for line in pack_into_lines(texts, "   ", width - 3)),
    ]


def _rate_range_lines(rates: Mapping[str, Range], width: int, styles: Styles) -> Lines:
    if not rates:
        return []
    lows = [rate_range.low for rate_range in rates.values() if rate_range.low > 0]
    scale = Scale(
        min(lows, default=1e-7), max(rate_range.high for rate_range in rates.values()), log=True
    )
    name_width = min(max(cell_len(name[3:]) for name in rates), 16)
    bar = width - name_width - 21
    lines: Lines = []
    for name, rate_range in rates.items():
        group = fit_text(sanitize_text(name[3:]), name_width)
        head: TextRun = (f"   {group} {format_range_end(rate_range.low):>7} ", styles.text)
        bar_text = draw_range_bar(rate_range.low, rate_range.high, scale, bar) if bar >= 8 else "…"
        lines.append(
            [
                head,
                (bar_text, styles.accent),
                (f" {format_range_end(rate_range.high)}", styles.text),
            ]
        )
    return lines


def _trial_count_runs(reader: SessionFacts, styles: Styles) -> list[TextRun]:
    counted_states = [
        (TrialState.COMPLETE, "complete"),
        (TrialState.PRUNED, "pruned"),
        (TrialState.COLLAPSED, "collapsed"),
        (TrialState.FAILED, "failed"),
        (TrialState.RUNNING, "running"),
        (TrialState.PAUSED, "paused"),
    ]
    runs: list[TextRun] = [(" ", styles.text)]
    for kind, word in counted_states:
        count = reader.trial_counts.count_in_states(kind)
        if count or kind in (TrialState.COMPLETE, TrialState.PRUNED):
            runs.append((f"{GLYPHS[kind.value]} {count} {word}  ", styles.trial_style(kind)))
    return runs


def compact_summary_lines(reader: SessionFacts, now: float, width: int, styles: Styles) -> Lines:
    """Draw the summary in few lines, for a low pane."""
    view = reader.view
    head = f" {short_model_name(view)} · {session_dataset_name(view)} · {_search_text(view)}"
    ranges = []
    for name, setting in searched_settings(view).items():
        label = (
            short_group_name(name[3:])
            if name.startswith("lr.")
            else short_setting_names([name])[name]
        )
        ranges.append(f"{label} {fmt.format_recipe_setting(setting)}")
    work = f" {_budget_text(reader, now)} · worker {_worker_text(reader, now)}"
    lines: Lines = [
        [(fit_text(head, width).rstrip(), styles.text)],
        [(fit_text(work, width).rstrip(), styles.muted)],
    ]
    lines += [
        [(f" {line}", styles.accent)] for line in pack_into_lines(ranges, "   ", width - 2)[:3]
    ]
    counts = _trial_count_runs(reader, styles)
    if (best := view.find_best_trial()) is not None:
        used = sum(cell_len(text) for text, _ in counts)
        short, full = f"#{best.number} {fmt.format_score(best.value)}", best_trial_text(view)
        fits = used + cell_len(full) <= width
        label = full.removeprefix("best ") if fits else short
        counts.append((f"{GLYPHS['best']} {label}", styles.best))
    return [*lines, counts]

"""A session in a row, and its summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from rich.cells import cell_len

from tuner.recipe.model_label import model_label
from tuner.recipe.types import Range
from tuner.results import format as fmt
from tuner.results.format import GLYPHS, bound, plain
from tuner.session.budget import seconds_spent, time_budget
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, SessionView, TrialState
from tuner.tui.charts.axes import Scale
from tuner.tui.charts.bars import range_bar
from tuner.tui.facts import Facts
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, short_group, short_names
from tuner.tui.render.space import Space, bounds_text, searched
from tuner.tui.render.status import best_text
from tuner.tui.render.styles import Run, Styles


def section(view: SessionView, name: str) -> Mapping[str, Any]:
    """A table of the recipe, {} where it has none."""
    found = view.recipe.get(name)
    return found if isinstance(found, Mapping) else {}


def model_name(view: SessionView) -> str:
    """The model's name as the recipe has it."""
    return str(section(view, "model").get("name", fmt.NONE))


def data_root(view: SessionView) -> str:
    """The folder in which relative names of the recipe are."""
    return str(section(view, "data").get("root", ""))


def short_model_name(view: SessionView) -> str:
    """The model's name without its owner, and without folders that say nothing more."""
    return plain(model_label(model_name(view), data_root(view)))


def dataset_name(view: SessionView) -> str:
    """The data set: the hub's name, or the folder of the training file."""
    train = str(section(view, "data").get("train", ""))
    if train.startswith("hub:"):
        parts = train.split(":")
        return plain(parts[2] if len(parts) > 3 else PurePath(parts[1]).name)
    path = PurePath(train)
    folder = path.parent.name
    return plain(folder if folder not in ("", "data") else path.stem) or fmt.NONE


def summary_lines(feed: Facts, now: float, width: int, styles: Styles) -> Lines:
    """The summary: worker, objective, search, budget, ranges, counts."""
    view = feed.view
    facts = [
        ("worker", _worker(feed, now)),
        ("objective", f"{view.direction} validation {plain(view.metric)}"),
        ("search", _search(view)),
        ("budget", _budget(feed, now)),
    ]
    lines: Lines = []
    for name, text in facts:
        lines.append(
            [(f" {name:<11}", styles.muted), (fit(text, width - 13).rstrip(), styles.text)]
        )
    space = searched(view)
    return [*lines, [], *_space_lines(space, width, styles), [], _counts(feed, styles)]


def _worker(feed: Facts, now: float) -> str:
    view, state = feed.view, feed.state
    if state is SessionState.DRAFT:
        return "none yet, s starts it"
    if state not in ALIVE or view.worker_pid is None:
        return f"none · {plain(view.reason)}" if view.reason else "none"
    heard = "" if view.last_time is None else f" · heard {fmt.ago(now - view.last_time)}"
    return f"pid {view.worker_pid} on {plain(view.worker_host or '')}{heard}"


def _search(view: SessionView) -> str:
    search = section(view, "search")
    sampler, pruner = search.get("sampler", "tpe"), search.get("pruner", "halving")
    return plain(f"{str(sampler).upper()} · pruner {pruner} · seed {search.get('seed', 0)}")


def _budget(feed: Facts, now: float) -> str:
    view = feed.view
    limit = time_budget(view)
    hours = f" or {fmt.duration_words(limit)}" if limit is not None else ""
    spent = seconds_spent(view, now)
    used = f" · spent {fmt.duration_words(spent)}" if spent else ""
    more = f" · left ≈ {fmt.duration_words(feed.eta)}" if feed.eta else ""
    return f"{fmt.counted(feed.tally.planned(view), 'trial')}{hours}{used}{more}"


def _space_lines(space: Space, width: int, styles: Styles) -> Lines:
    rates = {
        name: found
        for name, found in space.items()
        if name.startswith("lr.") and isinstance(found, Range)
    }
    rest = {name: found for name, found in space.items() if name not in rates}
    if not space:
        return [[(" nothing is searched", styles.muted)]]
    lines: Lines = [[(" learning rates", styles.muted)]] if rates else []
    lines += _rate_lines(rates, width, styles)
    short = short_names(list(rest), 12)
    texts = [f"{short[name]} {bounds_text(found)}" for name, found in rest.items()]
    return [*lines, *([(f"   {line}", styles.text)] for line in _flowing(texts, width - 3))]


def _rate_lines(rates: Mapping[str, Range], width: int, styles: Styles) -> Lines:
    if not rates:
        return []
    lows = [found.low for found in rates.values() if found.low > 0]
    scale = Scale(min(lows, default=1e-7), max(found.high for found in rates.values()), log=True)
    name_width = min(max(cell_len(name[3:]) for name in rates), 16)
    bar = width - name_width - 21
    lines: Lines = []
    for name, found in rates.items():
        head: Run = (f"   {fit(plain(name[3:]), name_width)} {bound(found.low):>7} ", styles.text)
        shown = range_bar(found.low, found.high, scale, bar) if bar >= 8 else "…"
        lines.append([head, (shown, styles.accent), (f" {bound(found.high)}", styles.text)])
    return lines


def _flowing(texts: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        if lines and cell_len(lines[-1]) + 3 + cell_len(text) <= width:
            lines[-1] += f"   {text}"
        else:
            lines.append(fit(text, width).rstrip())
    return lines


def _counts(feed: Facts, styles: Styles) -> list[Run]:
    shown = [
        (TrialState.COMPLETE, "complete"),
        (TrialState.PRUNED, "pruned"),
        (TrialState.COLLAPSED, "collapsed"),
        (TrialState.FAILED, "failed"),
        (TrialState.RUNNING, "running"),
        (TrialState.PAUSED, "paused"),
    ]
    runs: list[Run] = [(" ", styles.text)]
    for kind, word in shown:
        count = feed.tally.count(kind)
        if count or kind in (TrialState.COMPLETE, TrialState.PRUNED):
            runs.append((f"{GLYPHS[kind.value]} {count} {word}  ", styles.trial(kind)))
    return runs


def compact_lines(feed: Facts, now: float, width: int, styles: Styles) -> Lines:
    """The summary in few lines, for a low pane."""
    view = feed.view
    head = f" {short_model_name(view)} · {dataset_name(view)} · {_search(view)}"
    ranges = []
    for name, found in searched(view).items():
        shown = short_group(name[3:]) if name.startswith("lr.") else short_names([name])[name]
        ranges.append(f"{shown} {bounds_text(found)}")
    work = f" {_budget(feed, now)} · worker {_worker(feed, now)}"
    lines: Lines = [
        [(fit(head, width).rstrip(), styles.text)],
        [(fit(work, width).rstrip(), styles.muted)],
    ]
    lines += [[(f" {line}", styles.accent)] for line in _flowing(ranges, width - 2)[:3]]
    counts = _counts(feed, styles)
    if (best := view.best_trial()) is not None:
        used = sum(cell_len(text) for text, _ in counts)
        short, full = f"#{best.number} {fmt.score(best.value)}", best_text(view)
        fits = used + cell_len(full) <= width
        shown = full.removeprefix("best ") if fits else short
        counts.append((f"{GLYPHS['best']} {shown}", styles.best))
    return [*lines, counts]

"""A trial's values: each with its rank among the ended trials and its place in its range."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.recipe.origins import repeated
from tuner.recipe.types import Choices, Range
from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.fold import ENDED
from tuner.session.view import SessionView, TrialView
from tuner.tui.charts.bars import position_bar
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import distinct, fit
from tuner.tui.render.space import Space, bounds_text, position_text, scale_for
from tuner.tui.render.styles import Run, Styles

ROOMY = 62
"""From this width on the ends of every range stand beside it."""


@dataclass(frozen=True)
class Ranks:
    """The place of each value among those of the `among` ended trials, 1 for the smallest."""

    places: Mapping[str, int]
    among: int


class EndedValues:
    """The values of all ended trials, sorted; `update` adds those that ended since."""

    def __init__(self) -> None:
        self._columns: defaultdict[str, list[float]] = defaultdict(list)
        self._seen: set[int] = set()
        self._counted: set[int] = set()

    def update(self, view: SessionView) -> EndedValues:
        """Take in what has ended. A re-run has the values of its first run: it is left out."""
        for number, trial in view.trials.items():
            if trial.state not in ENDED or number in self._seen:
                continue
            self._seen.add(number)
            if repeated(trial.origin) is not None:
                continue
            self._counted.add(number)
            for name, value in _numbers(trial):
                self._columns[name].append(value)
        for column in self._columns.values():
            column.sort()
        return self

    def ranks(self, trial: TrialView) -> Ranks:
        """The places of a trial's numbers, the trial itself among the compared in any case."""
        places = {
            name: 1 + bisect_left(self._columns[name], value) for name, value in _numbers(trial)
        }
        return Ranks(places, len(self._counted) + (trial.number not in self._counted))


def _numbers(trial: TrialView) -> Iterator[tuple[str, float]]:
    for name, value in trial.params.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, value


def value_ranks(view: SessionView, trial: TrialView) -> Ranks:
    """The ranks of one trial's numbers."""
    return EndedValues().update(view).ranks(trial)


def parameter_lines(
    trial: TrialView, space: Space, ranks: Ranks, width: int, styles: Styles
) -> Lines:
    """One line a value under a line of heads, and below what the ranks mean."""
    values = {**trial.params, **trial.fixed}
    if not values:
        return [[("nothing is searched: all values are the recipe's", styles.muted)]]
    shown = [fmt.setting(name, value) for name, value in values.items()]
    found = [_rank(name, space, ranks) for name in values]
    value = min(max(cell_len(text) for text in ("VALUE", *shown)), 12) + 1
    rank = max(cell_len(text) for text in ("RANK*", *found)) + 1
    name = _name_width(values, width - value - rank, roomy=width >= ROOMY)
    room = width - name - value - rank - 1
    lines: Lines = [_heads(name, value, rank, width, styles)]
    names = distinct([plain(key) for key in values], name)
    for key, label, text, place in zip(values, names, shown, found, strict=True):
        runs: list[Run] = [
            (fit(label, name), styles.text),
            (_right(text, value), styles.heading),
            (_right(place, rank), styles.muted),
            (" " + _place(trial, key, space.get(key), room), styles.accent),
        ]
        lines.append(runs)
    if ranks.places:
        told = f"* of {ranks.among}, the smallest value is 1"
        lines += [[], [(fit(told, width).rstrip(), styles.muted)]]
    return lines


def _right(text: str, width: int) -> str:
    fitted = fit(text, width - 1).rstrip()
    return " " * (width - cell_len(fitted)) + fitted


def _name_width(values: Iterable[str], room: int, *, roomy: bool) -> int:
    longest = max(cell_len(plain(name)) for name in values)
    return max(min(longest, room - (31 if roomy else 10)), 8)


def _heads(name: int, value: int, rank: int, width: int, styles: Styles) -> list[Run]:
    place = "RANGE AND PLACE" if width >= ROOMY else "IN RANGE"
    head = f"{'':{name}}{'VALUE':>{value}}{'RANK*':>{rank}} {place}"
    return [(fit(head, width).rstrip(), styles.muted)]


def _rank(name: str, space: Space, ranks: Ranks) -> str:
    if name not in ranks.places or isinstance(space.get(name), Choices):
        return fmt.NONE
    return f"{ranks.places[name]}/{ranks.among}"


def _place(trial: TrialView, name: str, setting: Range | Choices | None, room: int) -> str:
    value = trial.params.get(name, trial.fixed.get(name))
    if name in trial.fixed:
        return fit("for this trial", room).rstrip() if room > 4 else ""
    if setting is None or room < 5:
        return ""
    if room >= 30:
        return position_text(value, setting, min(room, 60))
    if isinstance(setting, Choices) or isinstance(value, bool | str) or value is None:
        return fit(bounds_text(setting), room).rstrip()
    return position_bar(float(value), scale_for(setting), min(room, 24))

"""A trial's values: each with its rank among the ended trials and its place in its range."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.recipe.origins import repeated_trial_number
from tuner.recipe.ranges import Space
from tuner.recipe.types import Choices, Range
from tuner.render.charts.inline_bars import draw_position_bar
from tuner.render.range_text import position_in_range, scale_of_range
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, right_align_text, shorten_distinctly
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session.view import ENDED_STATES, SessionView, TrialView

ROOMY_WIDTH = 62
"""From this width on the ends of every range stand beside it."""


@dataclass(frozen=True)
class ValueRanks:
    """The rank of each value among those of `trial_count` ended trials, 1 for the smallest."""

    rank_by_name: Mapping[str, int]
    trial_count: int


class EndedValues:
    """The values of all ended trials, sorted."""

    def __init__(self) -> None:
        self._values_by_name: defaultdict[str, list[float]] = defaultdict(list)
        self._seen_trials: set[int] = set()
        self._counted_trials: set[int] = set()

    def add_ended_trials(self, view: SessionView) -> EndedValues:
        """Add trials that ended since; no re-runs, they repeat the values of their first run."""
        for number, trial in view.trials.items():
            if trial.state not in ENDED_STATES or number in self._seen_trials:
                continue
            self._seen_trials.add(number)
            if repeated_trial_number(trial.origin) is not None:
                continue
            self._counted_trials.add(number)
            for name, value in _numeric_values(trial):
                self._values_by_name[name].append(value)
        for column in self._values_by_name.values():
            column.sort()
        return self

    def ranks_of_trial(self, trial: TrialView) -> ValueRanks:
        """Rank a trial's numbers; the trial itself counts among the compared in any case."""
        rank_by_name = {
            name: 1 + bisect_left(self._values_by_name[name], value)
            for name, value in _numeric_values(trial)
        }
        return ValueRanks(
            rank_by_name, len(self._counted_trials) + (trial.number not in self._counted_trials)
        )


def _numeric_values(trial: TrialView) -> Iterator[tuple[str, float]]:
    for name, value in trial.params.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, value


def value_ranks_of_trial(view: SessionView, trial: TrialView) -> ValueRanks:
    return EndedValues().add_ended_trials(view).ranks_of_trial(trial)


def parameter_lines(
    trial: TrialView, space: Space, ranks: ValueRanks, width: int, styles: Styles
) -> Lines:
    """Draw one line a value under a heading, and below what the ranks mean."""
    values = {**trial.params, **trial.fixed}
    if not values:
        return [[("nothing is searched: all values are the recipe's", styles.muted)]]
    value_texts = [fmt.format_setting(name, value) for name, value in values.items()]
    rank_texts = [_rank_text(name, space, ranks) for name in values]
    value = min(max(cell_len(text) for text in ("VALUE", *value_texts)), 12) + 1
    rank = max(cell_len(text) for text in ("RANK*", *rank_texts)) + 1
    name = _name_column_width(values, width - value - rank, roomy=width >= ROOMY_WIDTH)
    room = width - name - value - rank - 1
    lines: Lines = [_heading_runs(name, value, rank, width, styles)]
    names = shorten_distinctly([sanitize_text(key) for key in values], name)
    for key, label, text, place in zip(values, names, value_texts, rank_texts, strict=True):
        runs: list[TextRun] = [
            (fit_text(label, name), styles.text),
            (f" {right_align_text(text, value - 1)}", styles.heading),
            (f" {right_align_text(place, rank - 1)}", styles.muted),
            (" " + _position_text(trial, key, space.get(key), room), styles.accent),
        ]
        lines.append(runs)
    if ranks.rank_by_name:
        footnote = f"* of {ranks.trial_count}, the smallest value is 1"
        lines += [[], [(fit_text(footnote, width).rstrip(), styles.muted)]]
    return lines


def _name_column_width(values: Iterable[str], room: int, *, roomy: bool) -> int:
    longest = max(cell_len(sanitize_text(name)) for name in values)
    return max(min(longest, room - (31 if roomy else 10)), 8)


def _heading_runs(name: int, value: int, rank: int, width: int, styles: Styles) -> list[TextRun]:
    place = "RANGE AND PLACE" if width >= ROOMY_WIDTH else "IN RANGE"
    head = f"{'':{name}}{'VALUE':>{value}}{'RANK*':>{rank}} {place}"
    return [(fit_text(head, width).rstrip(), styles.muted)]


def _rank_text(name: str, space: Space, ranks: ValueRanks) -> str:
    if name not in ranks.rank_by_name or isinstance(space.get(name), Choices):
        return fmt.NONE
    return f"{ranks.rank_by_name[name]}/{ranks.trial_count}"


def _position_text(trial: TrialView, name: str, setting: Range | Choices | None, room: int) -> str:
    value = trial.params.get(name, trial.fixed.get(name))
    if name in trial.fixed:
        return fit_text("for this trial", room).rstrip() if room > 4 else ""
    if setting is None or room < 5:
        return ""
    if room >= 30:
        return position_in_range(value, setting, min(room, 60))
    if isinstance(setting, Choices) or isinstance(value, bool | str) or value is None:
        return fit_text(fmt.format_recipe_setting(setting), room).rstrip()
    return draw_position_bar(float(value), scale_of_range(setting), min(room, 24))

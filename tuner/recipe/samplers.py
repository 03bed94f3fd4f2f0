"""What a sampler can search: asked when a study starts, and by the check before that."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tuner.errors import TunerError
from tuner.recipe.ranges import Space, count_configurations, count_whole_numbers, has_single_value
from tuner.recipe.schema import SAMPLERS
from tuner.recipe.types import Choices, Range, SearchSection

_SPARSE = 0.1


def check_sampler_can_search(search: SearchSection, space: Space) -> None:
    """Raise TunerError if the recipe's sampler cannot search this space."""
    if search.sampler not in SAMPLERS:
        raise TunerError(f'search.sampler = "{search.sampler}" is not one of {", ".join(SAMPLERS)}')
    numbers = sum(isinstance(s, Range) and not has_single_value(s) for s in space.values())
    if search.sampler == "cmaes" and numbers < 2:
        raise TunerError(
            f'search.sampler = "cmaes" needs at least two searched numbers, there '
            f'{"is" if numbers == 1 else "are"} {numbers}: use "tpe"'
        )


def count_reachable_points(search: SearchSection, space: Space) -> int | None:
    """Count the configurations that this sampler can propose; None if there is no end of them."""
    if search.sampler == "grid":
        return math.prod(grid_size_per_setting(space, search.grid_points))
    return count_configurations(space)


def grid_size_per_setting(space: Space, points: int) -> list[int]:
    """Count the values of each setting on a grid with at most `points` points per number."""
    return [_grid_points_of_setting(setting, points) for setting in space.values()]


def _grid_points_of_setting(setting: Range | Choices, points: int) -> int:
    if isinstance(setting, Choices):
        return len(setting.values)
    if has_single_value(setting):
        return 1
    return min(points, count_whole_numbers(setting)) if setting.integer else points


def search_warnings(search: SearchSection, space: Space) -> Iterator[str]:
    """Yield a line for whatever the sampler will make of this space that may not be intended."""
    if not space:
        return
    points = count_reachable_points(search, space)
    if points is not None and points < search.trials:
        noun = "configuration" if points == 1 else "configurations"
        yield (
            f"there {'is' if points == 1 else 'are'} {points} different {noun} to try, "
            f"search.trials is {search.trials}"
        )
    elif search.sampler == "grid" and points is not None and search.trials < _SPARSE * points:
        yield (
            f"the grid has {points} points, search.trials is {search.trials}: lower "
            'search.grid_points, search fewer settings, or use "tpe"'
        )
    choices = [name for name, setting in space.items() if isinstance(setting, Choices)]
    if search.sampler == "cmaes" and choices:
        yield (
            f'"cmaes" searches numbers only: {", ".join(choices)} '
            f'{"is" if len(choices) == 1 else "are"} drawn at random; "tpe" learns choices, too'
        )

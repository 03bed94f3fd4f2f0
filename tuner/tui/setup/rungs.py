"""What the pruner does to the trials, as a sketch beside the search's settings."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.recipe.types import SearchSection
from tuner.results.format import format_percent

BAR = "█"
FRACTIONS = {1 / 4: "1/4", 1 / 3: "1/3", 1 / 2: "1/2", 2 / 3: "2/3", 3 / 4: "3/4"}


@dataclass(frozen=True, slots=True)
class Rung:
    """How many trials are expected at a share of the schedule."""

    share: float
    trials: int


def halving_rungs(search: SearchSection) -> list[Rung]:
    """Return the rungs of successive halving and the end: each keeps one in `reduction`.

    At a rung the best ⌈n/reduction⌉ go on (Li et al. 2018); shares double from rung to rung.
    """
    rungs: list[Rung] = []
    trials, share = search.trials, search.first_rung
    while share < 1 - 1e-9:
        rungs.append(Rung(share, trials))
        trials = -(-trials // search.reduction)
        share *= 2
    return [*rungs, Rung(1.0, trials)]


def training_share(rungs: list[Rung]) -> float:
    """Return the share of all trials' training that is left after pruning."""
    before, spent = 0.0, 0.0
    for rung in rungs:
        spent += rung.trials * (rung.share - before)
        before = rung.share
    return spent / rungs[0].trials


def pruning_sketch(search: SearchSection, width: int) -> list[str]:
    """Sketch the pruner in a few lines of at most `width` cells."""
    match search.pruner:
        case "halving":
            return _halving_lines(search, width)
        case "median":
            first = fraction_text(search.first_rung)
            return [
                f"from {first} of the schedule on, trials",
                "below the median of the others end",
            ]
        case "patient":
            return ["a trial that has not improved for", "some evaluations ends"]
        case _:
            return [f"all {search.trials} trials run to their end"]


def _halving_lines(search: SearchSection, width: int) -> list[str]:
    rungs = halving_rungs(search)
    room = max(width - 17, 4)
    lines = ["share of schedule   trials there"]
    for rung in rungs:
        bar = BAR * max(round(room * rung.trials / search.trials), 1)
        place = "end" if rung.share == 1 else fraction_text(rung.share)
        lines.append(f"{place:>6} │ {rung.trials:>5} {bar}")
    return [*lines, "", f"≈ {format_percent(training_share(rungs))} of the training without it"]


def fraction_text(share: float) -> str:
    """Write 1/3 where the share is a plain fraction, else 12 %."""
    for value, fraction in FRACTIONS.items():
        if abs(value - share) < 1e-6:
            return fraction
    return format_percent(share)

"""The tables of parity.py: final scores, what a study would have decided, and losses of steps."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from scipy import stats

from kit import report
from kit.decisions import Outcome, read_evaluations, replay_study
from tuner.results.collapse import only_predicted_label

CONFIDENCE = 0.95
WARM_UP = 0.06
_ORDER_SEED = 0
Answers = Mapping[tuple[float, int], dict[str, Any]]


def show_scores(title: str, answers: Mapping[str, Answers]) -> dict[str, dict[str, float]]:
    """Each side's final scores, and the differences of the sides; return the differences."""
    lines = []
    for side, rows in answers.items():
        scores = [answer["score"] for answer in rows.values()]
        losses = [answer["loss"] for answer in rows.values()]
        lines.append(
            (
                side,
                str(len(scores)),
                f"{statistics.fmean(scores):.4f}",
                f"{statistics.stdev(scores):.4f}",
                f"{min(scores):.4f} … {max(scores):.4f}",
                f"{statistics.fmean(losses):.4f}",
                f"{statistics.fmean(answer['seconds'] for answer in rows.values()):.0f} s",
            )
        )
    differences = {
        f"{side} − {reference}": compare_scores(answers[side], answers[reference], side, reference)
        for side, reference in pairs_of_sides(list(answers))
    }
    texts = [
        f"{name}: {d['mean']:+.4f} [{d['low']:+.4f}, {d['high']:+.4f}]"
        + (f", one by one at most {d['largest']:.4f}" if "largest" in d else "")
        for name, d in differences.items()
    ]
    report.print_table(
        f"{title}: the last evaluation",
        ("side", "trials", "accuracy", "sd", "least … most", "loss", "a trial"),
        lines,
        "Differences of the means with their 95 % intervals (paired where both sides draw the same "
        "heads, batches and dropout, else Welch): one that holds 0 shows no difference. "
        + "; ".join(texts),
    )
    return differences


def pairs_of_sides(sides: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is subtracted from what: from each side all that come after it."""
    return [
        (side, reference) for number, side in enumerate(sides) for reference in sides[number + 1 :]
    ]


def compare_scores(ours: Answers, theirs: Answers, side: str, other: str) -> dict[str, float]:
    """Subtract the mean scores; two sides of one library are paired trial by trial."""
    if side.split()[0] == other.split()[0]:
        trials = sorted(set(ours) & set(theirs))
        first = [ours[trial]["score"] for trial in trials]
        second = [theirs[trial]["score"] for trial in trials]
        result = stats.ttest_rel(first, second)
        largest = {"largest": max(abs(a - b) for a, b in zip(first, second, strict=True))}
    else:
        first = [answer["score"] for answer in ours.values()]
        second = [answer["score"] for answer in theirs.values()]
        result, largest = stats.ttest_ind(first, second, equal_var=False), {}
    interval = result.confidence_interval(CONFIDENCE)
    mean = statistics.fmean(first) - statistics.fmean(second)
    return {"mean": mean, "low": float(interval.low), "high": float(interval.high), **largest}


def show_decisions(title: str, answers: Mapping[str, Answers]) -> dict[str, Any]:
    """Compare what halving and the collapse rule would have done to each side's trials.

    Nothing where all trials have one rate. Sides are compared by the same seed's trials, and a
    side with itself under other seeds, to see how much of a difference is chance.
    """
    rates = sorted({rate for rows in answers.values() for rate, _ in rows})
    if len(rates) < 2:
        return {}
    show_constant_models(title, answers, rates)
    studies = {
        (side, seed): study
        for side, rows in answers.items()
        for seed in sorted({seed for _, seed in rows})
        if (study := outcomes_of_seed(rows, rates, seed))
    }
    lines, compared = [], {}
    for first, second in pairs_of_studies(list(studies)):
        agreement = agreement_of_outcomes(studies[first], studies[second])
        name = " against ".join(f"{side}, seed {seed}" for side, seed in (first, second))
        compared[name] = agreement
        lines.append((name, *(str(value) for value in agreement.values())))
    report.print_table(
        f"{title}: one study a seed, trials in one random order",
        ("studies", "same end", "of", "pruned", "and", "collapsed", "and", "rank correlation"),
        lines,
        "Ends: pruned at a rung, collapsed, or trained to the end. The ranks are those of the "
        "scores at the first rung (Spearman).",
    )
    return compared


def show_constant_models(title: str, answers: Mapping[str, Answers], rates: list[float]) -> None:
    """How many of each side's final models predict one label for every row, by rate."""
    report.print_table(
        f"{title}: final models that predict one label for every row",
        ("rate", *answers, ""),
        [
            (
                f"{rate:g}",
                *(
                    f"{sum(map(is_constant_model, of_rate))} of {len(of_rate)}"
                    for rows in answers.values()
                    for of_rate in [[a for (r, _), a in rows.items() if r == rate]]
                ),
                "",
            )
            for rate in rates
        ],
        "",
    )


def is_constant_model(answer: dict[str, Any]) -> bool:
    """Whether the last evaluation predicts one label for every row."""
    if "predicted_labels" in answer:
        return bool(answer["predicted_labels"] == 1)
    return only_predicted_label(answer["evaluations"][-1]["confusion"]) is not None


def outcomes_of_seed(rows: Answers, rates: list[float], seed: int) -> list[tuple[Outcome, float]]:
    """Replay a seed's trials as a study; the score at the first rung beside each outcome."""
    order = list(rates)
    random.Random(_ORDER_SEED).shuffle(order)
    trials = [read_evaluations(rows[rate, seed]) for rate in order if (rate, seed) in rows]
    if len(trials) < len(rates) or not all(trials):
        return []
    outcomes = replay_study(trials, WARM_UP)
    first_rung = [
        next(e.score for e in evaluations if e.share >= 1 / 3 - 1e-9) for evaluations in trials
    ]
    return list(zip(outcomes, first_rung, strict=True))


def pairs_of_studies(
    studies: Sequence[tuple[str, int]],
) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Pair the same seed on two sides, and two seeds on one side."""
    return [
        (first, second)
        for number, first in enumerate(studies)
        for second in studies[number + 1 :]
        if (first[0] == second[0]) != (first[1] == second[1])
    ]


def agreement_of_outcomes(
    first: Sequence[tuple[Outcome, float]], second: Sequence[tuple[Outcome, float]]
) -> dict[str, Any]:
    """Count trials that end alike, and what ended each side's."""
    ends = [[outcome.rule for outcome, _ in study] for study in (first, second)]
    scores = [[score for _, score in study] for study in (first, second)]
    return {
        "same_end": sum(a == b for a, b in zip(*ends, strict=True)),
        "trials": len(first),
        "pruned": ends[0].count("pruned"),
        "pruned_second": ends[1].count("pruned"),
        "collapsed": ends[0].count("collapsed"),
        "collapsed_second": ends[1].count("collapsed"),
        "rank_correlation": round(float(stats.spearmanr(*scores).statistic), 3),
    }


def show_steps(steps: dict[str, dict[str, Any]]) -> None:
    """Print the losses of the same batches, step by step, for each precision of tuner's."""
    for precision, answer in steps.items():
        ours, theirs = answer["tuner"], answer["plain"]
        gaps = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
        shown_steps = sorted({0, len(gaps) // 4, len(gaps) // 2, len(gaps) - 1})
        report.print_table(
            f"The same {len(ours)} batches, dropout off: tuner in {precision} against transformers "
            "and torch's AdamW with padding, fp32",
            ("step", "tuner's loss", "plain loss", "difference"),
            [
                (str(step + 1), f"{ours[step]:.7f}", f"{theirs[step]:.7f}", f"{gaps[step]:.1e}")
                for step in shown_steps
            ],
            f"Largest difference of a step's loss {max(gaps):.1e}. At the end the weights differ "
            f"by {answer['apart']:.1e} of the way they have come (AdamW turns rounding into steps "
            "where a gradient is next to nothing).",
        )

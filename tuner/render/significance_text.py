"""What can be said about differences: McNemar's test in words, and rows that flip."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from tuner.errors import TunerError
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import fit_text, pack_into_lines, wrap_at_spaces
from tuner.results.format import format_p_value, format_score_change, sanitize_text
from tuner.results.paired import SIGNIFICANCE_LEVEL, Flips, MetricDifference
from tuner.session.comparison import Candidate, PairedPredictions, PredictionCache


def significance_lines(
    answers: PredictionCache, candidates: Sequence[Candidate], width: int, styles: Styles
) -> Lines:
    """Draw the tests of the first candidate against each other one, and what follows from them."""
    first, others = candidates[0], candidates[1:]
    pairs: list[tuple[Candidate, PairedPredictions]] = []
    reasons: dict[str, None] = {}
    for candidate in others:
        try:
            pairs.append((candidate, answers.pair_predictions(first, candidate)))
        except TunerError as error:
            reasons[sanitize_text(error)] = None
    same = answers.indistinguishable_candidates(first, [candidate for candidate, _ in pairs])
    apart = [candidate for candidate, _ in pairs if candidate not in same]
    lines = _test_result_lines(first, pairs, width, styles) if pairs else []
    for named, relation, style in (
        (same, "not distinguishable from", styles.paused),
        (apart, "different from", styles.complete),
    ):
        if named:
            lines += _conclusion_lines(first, named, relation, pairs, width, style)
    for reason in reasons:
        lines += [
            [(line, styles.muted)] for line in wrap_at_spaces(f"no paired test: {reason}", width)
        ]
    return lines


def _conclusion_lines(
    first: Candidate, others: Sequence[Candidate], relation: str,
    pairs: Sequence[tuple[Candidate, PairedPredictions]], width: int, style: Style,
) -> Lines:  # fmt: skip
    corrected = ", Holm's correction" if len(pairs) > 1 else ""
    basis = f"{sanitize_text(pairs[0][1].tested_metric)}{corrected}"
    head = f"→ {relation} {sanitize_text(first.name)} at {SIGNIFICANCE_LEVEL} ({basis}): "
    names = [sanitize_text(candidate.name) for candidate in others]
    lines = pack_into_lines(names, ", ", width, head=head, indent="  ")
    return [[(line, style)] for line in lines]


def _test_result_lines(
    first: Candidate,
    pairs: Sequence[tuple[Candidate, PairedPredictions]],
    width: int,
    styles: Styles,
) -> Lines:
    """Draw McNemar's test of the accuracy, then the differences of the search's metric."""
    raw = "raw p, " if len(pairs) > 1 else ""
    head = f"McNemar on accuracy, {raw}{len(pairs[0][1].first)} shared rows: "
    name = sanitize_text(first.name)
    tests = [
        f"{name} vs {sanitize_text(candidate.name)} p {format_p_value(pair.flips.mcnemar_p_value)}"
        for candidate, pair in pairs
    ]
    metric = first.view.metric
    differences = [
        f"{name} − {sanitize_text(candidate.name)} {_difference_text(metric, pair.difference)}"
        for candidate, pair in pairs
        if pair.difference is not None
    ]
    lines = pack_into_lines(tests, " · ", width, head=head, indent="  ")
    if differences:
        lower = " (lower is better)" if metric == "loss" else ""
        head = f"{sanitize_text(metric)}{lower}, paired 95 %: "
        lines += pack_into_lines(differences, " · ", width, head=head, indent="  ")
    return [[(line, styles.text)] for line in lines]


def _difference_text(metric: str, difference: MetricDifference) -> str:
    """Return `+0.0312 (−0.0100…+0.0700)`, with its p-value where that is not McNemar's."""
    low, high = format_score_change(difference.low), format_score_change(difference.high)
    text = f"{format_score_change(difference.value)} ({low}…{high})"
    tested = metric != "accuracy" and difference.p is not None
    return (
        f"{text} p {format_p_value(difference.p)}" if tested and difference.p is not None else text
    )


def agreement_count_lines(
    names: tuple[str, str], flips: Flips, width: int, styles: Styles
) -> Lines:
    """Draw how many rows both, one and neither predict correctly."""
    half = max(width // 2 - 1, 12)
    only = (len(flips.only_first), len(flips.only_second))
    pairs = (
        (f"both correct {len(flips.both)}", f"both wrong {len(flips.neither)}"),
        (
            _only_correct_text(names[0], only[0], half - 1),
            _only_correct_text(names[1], only[1], half - 1),
        ),
    )
    return [
        [
            (" " + fit_text(first_text, half), styles.text),
            (fit_text(second_text, half).rstrip(), styles.text),
        ]
        for first_text, second_text in pairs
    ]


def _only_correct_text(name: str, count: int, width: int) -> str:
    room = max(width - len(f"only : {count}"), 1)
    return f"only {fit_text(sanitize_text(name), room).rstrip()}: {count}"

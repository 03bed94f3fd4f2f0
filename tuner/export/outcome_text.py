"""What a search has shown, in sentences that claim no more than the rows allow.

One paragraph for `run`, `demo`, `status` and the screens: what speaks against the result first.
"""

from __future__ import annotations

import msgspec

from tuner.export.summary import Summary, summarize_session
from tuner.results.format import (
    format_change_interval,
    format_interval,
    format_p_value,
    format_percent,
    format_points,
    format_signed_count,
    sanitize_text,
)
from tuner.results.format import format_score as score_text
from tuner.results.intervals import Interval
from tuner.results.majority import Majority
from tuner.session.folder import Session
from tuner.session.scores import ScoreGain, ScoreWithInterval
from tuner.session.status import TrialCounts
from tuner.session.view import SessionView


def describe_outcome(session: Session, view: SessionView) -> str:
    """Write the paragraph about a session as its log stands now."""
    return outcome_paragraph(summarize_session(session, view))


def outcome_paragraph(summary: Summary) -> str:
    """Put together the caveats, the best score with its interval, the gain and the counts."""
    best = summary.best
    if best is None:
        return f"No trial is complete. {format_trial_counts(summary.counts)}".rstrip()
    sentences = (
        _majority_sentence(best),
        _chance_sentence(summary),
        f"Best: trial {best.trial}, {score_with_interval(best)}.",
        _gain_sentence(summary),
        summary.advice,
        _selection_sentence(summary),
        _cut_short_sentence(summary),
        format_trial_counts(summary.counts),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def score_with_interval(score: ScoreWithInterval) -> str:
    """Write `accuracy 0.8450 (169 of 200 rows correct, 95 % interval 0.7885…0.8877; …)`."""
    return f"{sanitize_text(score.metric)} {score_text(score.value)} ({score_details(score)})"


def score_details(score: ScoreWithInterval) -> str:
    """Write `169 of 200 rows correct, 95 % interval 0.7885…0.8877; majority "no" 0.5000; …`."""
    counted = score.metric == "accuracy"
    rows = f"{score.correct} of {score.rows} rows correct" if counted else f"{score.rows} rows"
    details = [f"{rows}, {interval_text(score.interval)}"]
    if score.majority is not None:
        details.append(majority_short(score.metric, score.majority))
    if score.metric != "mcc":
        details.append(f"MCC {score_text(score.mcc)}")
    return "; ".join(details)


def interval_text(interval: Interval | None) -> str:
    if interval is None:
        return "no interval: no predictions are stored"
    return f"95 % interval {format_interval(interval.low, interval.high)}"


def majority_short(metric: str, majority: Majority) -> str:
    """Write `majority "neutral" 0.5634`; for the loss, what predicting the frequencies loses."""
    name = (
        "label frequencies" if metric == "loss" else f'majority "{sanitize_text(majority.label)}"'
    )
    return f"{name} {score_text(majority.value)}"


def majority_text(metric: str, majority: Majority) -> str:
    """Write what the majority's score is of: `predicting "neutral" for every row`."""
    if metric == "loss":
        return "predicting the labels' frequencies"
    return f'predicting "{sanitize_text(majority.label)}" for every row'


def format_gain(gain: ScoreGain) -> str:
    """Write `+4 rows, +5.6 points` for an accuracy, `higher by 0.0312` for every other metric."""
    if gain.rows is not None and gain.of_rows:
        points = format_points(gain.rows / gain.of_rows)
        return f"{format_signed_count(gain.rows)} rows, {points}"
    if gain.change == 0:
        return "no difference"
    return f"{'higher' if gain.change > 0 else 'lower'} by {score_text(abs(gain.change))}"


def format_trial_counts(counts: TrialCounts) -> str:
    """Write `Trials: 8 complete, 3 pruned, 1 collapsed.`, or nothing if none has ended."""
    named = msgspec.structs.asdict(counts)
    ended = ("complete", "pruned", "collapsed", "failed")
    parts = [f"{named[word]} {word}" for word in ended if named[word]]
    return f"Trials: {', '.join(parts)}." if parts else ""


def _majority_sentence(best: ScoreWithInterval) -> str:
    if best.only_label is not None:
        label = sanitize_text(best.only_label)
        return f'The best model predicts "{label}" for every row: it tells nothing apart.'
    if best.majority is None or best.is_above_majority is not False:
        return ""
    answering = majority_text(best.metric, best.majority)
    value = score_text(best.majority.value)
    if best.is_below_majority:
        return f"The best model is worse than {answering} ({value})."
    return f"The best model cannot be told apart from {answering} ({value})."


def _chance_sentence(summary: Summary) -> str:
    gain = summary.gain
    if gain is None or summary.baseline is None or summary.beats_baseline:
        return ""
    value = score_text(summary.baseline.value)
    baseline = f"the baseline (trial {summary.baseline.trial}, {value})"
    if gain.difference is None:
        return f"The gain over {baseline} cannot be tested: no predictions are stored."
    much = (
        f"{format_signed_count(gain.rows)} of {gain.of_rows} rows"
        if gain.rows is not None
        else format_gain(gain)
    )
    evidence = f"{much} ({_describe_evidence(summary, gain)})"
    if gain.difference.is_significant and not gain.is_improvement:
        return f"The best trial scores worse than {baseline}: {evidence}."
    return f"The best trial cannot be told apart from {baseline}: {evidence}."


def _gain_sentence(summary: Summary) -> str:
    baseline, gain, best = summary.baseline, summary.gain, summary.best
    if baseline is None or best is None:
        return summary.why_no_baseline
    if baseline.trial == best.trial:
        if summary.counts.complete < 2:
            return "It is the baseline itself, and the only complete trial."
        return "It is the baseline itself: the search found nothing better."
    if gain is None or not summary.beats_baseline:
        return ""
    better = f"{format_gain(gain)} ({_describe_evidence(summary, gain)})"
    return f"Baseline (trial {baseline.trial}): {score_text(baseline.value)}; {better}."


def _cut_short_sentence(summary: Summary) -> str:
    if not summary.cut_short:
        return ""
    numbers = ", ".join(map(str, summary.cut_short))
    shares = ", ".join(format_percent(share) for share in summary.cut_short.values())
    if len(summary.cut_short) == 1:
        return f"Trial {numbers} was cut short when the time was up, at {shares} of its schedule."
    return f"Trials {numbers} were cut short when the time was up, at {shares} of their schedules."


def _describe_evidence(summary: Summary, gain: ScoreGain) -> str:
    """Give the p-value where the rows could be paired, else the interval of the difference."""
    difference = gain.difference
    if difference is None:
        return ""
    if summary.corrected_p_value is None:
        ends = format_change_interval(difference.low, difference.high)
        return f"95 % {ends}, not paired: predictions are not stored"
    count = summary.candidate_count
    return f"p {format_p_value(summary.corrected_p_value)}" + (
        f" for the best of {count}" if count > 1 else ""
    )


def _selection_sentence(summary: Summary) -> str:
    """Say that the winner was chosen by its score, which therefore flatters it."""
    complete, equals = summary.counts.complete, summary.equals
    if complete < 2:
        return ""
    if equals == complete:
        return f"All {complete} complete trials score the same: the first to finish is named."
    sentence = f"It is the best of {complete} complete trials, chosen on the rows it is scored on"
    ties = f" ({equals} score the same, the first to finish is named)" if equals > 1 else ""
    return f"{sentence}{ties}, so it looks better than it is."

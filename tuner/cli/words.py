"""What a search has shown, in sentences that claim no more than the rows allow."""

from __future__ import annotations

from tuner.export.summary import Score, Summary, summarize
from tuner.results.format import score as score_text
from tuner.session.view import SessionView


def outcome(view: SessionView) -> str:
    """One line: the best against the baseline, and what became of the trials."""
    summary = summarize(view)
    return f"{_best_line(summary)} {counts_line(summary)}".rstrip()


def _best_line(summary: Summary) -> str:
    best = summary.best
    if best is None:
        return "No trial is complete yet."
    value = f"{summary.metric} {score_text(best.value)}"
    return f"Best: trial {best.trial}, {value} ({rows_text(best)}). {_against_baseline(summary)}"


def rows_text(score: Score) -> str:
    """`169 of 200 rows right, 95 % interval 0.7885…0.8877`."""
    low, high = score.interval
    interval = f"{score_text(low)}…{score_text(high)}"
    return f"{score.correct} of {score.rows} rows right, 95 % interval {interval}"


def _against_baseline(summary: Summary) -> str:
    baseline, gained = summary.baseline, summary.gained_rows
    if summary.best is None or baseline is None or gained is None:
        return "No baseline is complete."
    if baseline.trial == summary.best.trial:
        return "That is the baseline itself: the search found nothing better."
    points = 100 * (summary.best.accuracy - baseline.accuracy)
    gain = f"{gained:+d} rows, {points:+.1f} points"
    return f"Baseline (trial {baseline.trial}): {score_text(baseline.value)}; {gain}."


def counts_line(summary: Summary) -> str:
    """`Trials: 8 complete, 3 pruned, 1 collapsed.`, or nothing where none has ended."""
    counts = {
        "complete": summary.complete,
        "pruned": summary.pruned,
        "collapsed": summary.collapsed,
        "failed": summary.failed,
    }
    told = [f"{count} {word}" for word, count in counts.items() if count]
    return f"Trials: {', '.join(told)}." if told else ""


def honest_paragraph(view: SessionView) -> str:
    """What the search found, and what it did not show."""
    summary = summarize(view)
    if summary.best is None:
        return f"No trial ran to its end. {counts_line(summary)}".rstrip()
    sentences = (
        _best_line(summary),
        _how_sure(summary, summary.best),
        _best_of_many(summary),
        counts_line(summary),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _best_of_many(summary: Summary) -> str:
    """A winner is chosen for its score, so the score flatters it."""
    if summary.complete < 2:
        return ""
    return (
        f"It is the best of {summary.complete} complete trials, chosen on the rows it is "
        "scored on, so it looks better than it is."
    )


def _how_sure(summary: Summary, best: Score) -> str:
    baseline = summary.baseline
    if baseline is None or baseline.trial == best.trial:
        return ""
    if baseline.interval[1] < best.interval[0]:
        return f"The two intervals do not overlap on these {best.rows} rows."
    rows = f"scores on {best.rows} rows alone"
    return f"The two intervals overlap: {rows} do not settle which is better."

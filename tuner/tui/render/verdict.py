"""What can be said about differences: McNemar's test in words, and rows that flip."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from tuner.errors import TunerError
from tuner.results.format import change, p_text, plain
from tuner.results.paired import LEVEL, Difference, Flips
from tuner.session.contest import Answers, Contestant, Pairing
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.styles import Styles


def verdict_lines(
    answers: Answers, contestants: Sequence[Contestant], width: int, styles: Styles
) -> Lines:
    """Tests and differences of the first against each other, and what follows from all of them."""
    first, others = contestants[0], contestants[1:]
    pairs: list[tuple[Contestant, Pairing]] = []
    reasons: dict[str, None] = {}
    for other in others:
        try:
            pairs.append((other, answers.pairing(first, other)))
        except TunerError as error:
            reasons[plain(error)] = None
    same = answers.undecided(first, [other for other, _ in pairs])
    apart = [other for other, _ in pairs if other not in same]
    lines = _tests(first, pairs, width, styles) if pairs else []
    for named, said, style in (
        (same, "not distinguishable from", styles.paused),
        (apart, "different from", styles.complete),
    ):
        if named:
            lines += _conclusion(first, named, said, pairs, width, style)
    for reason in reasons:
        lines += [[(line, styles.muted)] for line in wrapped(f"no test by rows: {reason}", width)]
    return lines


def _conclusion(
    first: Contestant, others: Sequence[Contestant], said: str,
    pairs: Sequence[tuple[Contestant, Pairing]], width: int, style: Style,
) -> Lines:  # fmt: skip
    corrected = ", Holm's correction" if len(pairs) > 1 else ""
    basis = f"{plain(pairs[0][1].tested)}{corrected}"
    head = f"→ {said} {plain(first.name)} at {LEVEL} ({basis}): "
    names = [plain(other.name) for other in others]
    return [[(line, style)] for line in packed(head, names, ", ", width)]


def _tests(
    first: Contestant, pairs: Sequence[tuple[Contestant, Pairing]], width: int, styles: Styles
) -> Lines:
    """McNemar's test of the accuracy, then the differences of the search's metric."""
    raw = "raw p, " if len(pairs) > 1 else ""
    head = f"McNemar on accuracy, {raw}{len(pairs[0][1].first)} shared rows: "
    tests = [
        f"{plain(first.name)} vs {plain(other.name)} p {p_text(pair.flips.p_value)}"
        for other, pair in pairs
    ]
    metric = first.view.metric
    differences = [
        f"{plain(first.name)} − {plain(other.name)} {_difference_text(metric, pair.difference)}"
        for other, pair in pairs
        if pair.difference is not None
    ]
    lines = packed(head, tests, " · ", width)
    if differences:
        lower = " (lower is better)" if metric == "loss" else ""
        lines += packed(f"{plain(metric)}{lower}, paired 95 %: ", differences, " · ", width)
    return [[(line, styles.text)] for line in lines]


def _difference_text(metric: str, difference: Difference) -> str:
    """`+0.0312 (−0.0100…+0.0700)`, with its p-value where that is not McNemar's."""
    text = f"{change(difference.value)} ({change(difference.low)}…{change(difference.high)})"
    tested = metric != "accuracy" and difference.p is not None
    return f"{text} p {p_text(difference.p)}" if tested and difference.p is not None else text


def packed(head: str, pieces: Sequence[str], between: str, width: int) -> list[str]:
    """A head and pieces in lines of at most `width` cells, none of the pieces broken."""
    fits = cell_len(head + pieces[0]) <= width
    lines = [head + pieces[0]] if fits else [head.rstrip(), f"  {pieces[0]}"]
    for piece in pieces[1:]:
        longer = lines[-1] + between + piece
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(f"  {piece}")
    return [fit(line, width).rstrip() for line in lines]


def counts_lines(names: tuple[str, str], found: Flips, width: int, styles: Styles) -> Lines:
    """How many rows both, one and none answer rightly."""
    half = max(width // 2 - 1, 12)
    only = (len(found.only_first), len(found.only_second))
    pairs = (
        (f"both right {len(found.both)}", f"both wrong {len(found.neither)}"),
        (_only(names[0], only[0], half - 1), _only(names[1], only[1], half - 1)),
    )
    return [
        [(" " + fit(left, half), styles.text), (fit(right, half).rstrip(), styles.text)]
        for left, right in pairs
    ]


def _only(name: str, count: int, width: int) -> str:
    room = max(width - len(f"only  right {count}"), 1)
    return f"only {fit(plain(name), room).rstrip()} right {count}"

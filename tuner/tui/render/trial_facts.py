"""What is known of a trial beside its values: times, memory, files, origin, re-runs."""

from __future__ import annotations

from tuner.recipe.origins import ENQUEUED, SAMPLED, ancestor, repeated
from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.lineage import Reruns, reruns_of
from tuner.session.scores import Score
from tuner.session.seal import opened_text
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.render.columns import elapsed
from tuner.tui.render.events import time_of_day
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import trial_glyph, trial_word
from tuner.tui.render.names import wrapped
from tuner.tui.render.styles import Run, Styles

LABEL = 9


def fact_lines(
    view: SessionView, trial: TrialView, width: int, styles: Styles, now: float,
    score: Score | None = None,
) -> Lines:  # fmt: skip
    """A label and what is known, one fact a line; what is not known is left out."""
    facts = {
        "seed": _seed(trial),
        "started": _times(trial, now),
        "progress": _progress(trial),
        "memory": f"{fmt.bytes(trial.memory)} at most" if trial.memory else "",
        "test": _test(view, trial),
        "files": folder_name(trial.number),
        "from": origin_text(trial),
        "search": f"generation {trial.generation}" if trial.generation else "",
    }
    lines: Lines = []
    for label, text in facts.items():
        lines += _labelled(label, text, width, styles)
    lines += rerun_lines(view, trial, width, styles)
    return [*lines, *_labelled("95 %", _worth(score), width, styles)]


def _worth(score: Score | None) -> str:
    """0.754–0.847, majority 0.502: the score's interval, and the score to be above."""
    if score is None:
        return ""
    interval, floor = score.interval, score.majority
    ends = f"{interval.low:.3f}–{interval.high:.3f}" if interval else "no predictions are stored"
    text = ends if floor is None else f"{ends}, majority {floor.value:.3f}"
    return text.replace("-", fmt.MINUS)


def facts_in_words(view: SessionView, trial: TrialView, now: float) -> str:
    """The same in one sentence, with the mean of the re-runs."""
    found = reruns_of(view, trial.number)
    again = [f"seed {t.seed} {fmt.score(t.value)}" for t in found.others if t is not trial]
    pieces = [
        _times(trial, now),
        _progress(trial),
        f"{fmt.bytes(trial.memory)} at most" if trial.memory else "",
        f"test {test}" if (test := _test(view, trial)) else "",
        f"seed {_seed(trial)}",
        folder_name(trial.number),
        origin_text(trial),
        f"reruns {', '.join(again)}" if again else "",
        rerun_summary(found),
    ]
    return " · ".join(piece for piece in pieces if piece)


def _test(view: SessionView, trial: TrialView) -> str:
    """How it did on the sealed rows, once they were opened for it."""
    scored = view.test
    if scored is None or scored.trial != trial.number:
        return ""
    value = scored.metrics.get(view.metric)
    return f"{fmt.score(value)} on {fmt.counted(scored.n, 'row')}, {opened_text(scored)}"


def folder_name(number: int) -> str:
    """Where the trial's files are, in the session's folder."""
    return f"trials/{number:04d}/"


def origin_text(trial: TrialView) -> str:
    """Where a trial comes from, nothing for one that the sampler suggested."""
    found = ancestor(trial.origin)
    if found is not None:
        same = repeated(trial.origin) is not None
        return f"#{found} again, on another seed" if same else f"#{found}, edited by you"
    return {SAMPLED: "", ENQUEUED: "asked for by you"}.get(trial.origin, plain(trial.origin))


def rerun_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """Every run of the same values with its seed, then mean ± deviation; nothing without any."""
    found = reruns_of(view, trial.number)
    if not found.others:
        return []
    lines: Lines = []
    for index, other in enumerate(t for t in (found.first, *found.others) if t is not trial):
        label = "reruns" if not index else ""
        best = other.number == view.best
        lines.append([_label(label, styles), *_run_of(other, styles, best=best)])
    if summary := rerun_summary(found):
        lines.append([_label("", styles), (summary, styles.heading)])
    return [line for line in lines if width > LABEL]


def rerun_summary(found: Reruns) -> str:
    """mean 0.8123 ± 0.0072 of 3; nothing before two runs are complete."""
    if found.mean is None or found.deviation is None:
        return ""
    spread = fmt.score(found.deviation)
    return f"mean {fmt.score(found.mean)} ± {spread} of {len(found.values)}"


def _run_of(trial: TrialView, styles: Styles, *, best: bool) -> list[Run]:
    complete = trial.state is TrialState.COMPLETE
    shown = fmt.score(trial.value) if complete else f"{trial_glyph(trial)} {trial_word(trial)}"
    style = styles.trial(trial.state, best=best)
    return [
        (f"seed {trial.seed} ", styles.text),
        (shown, style),
        (f"  #{trial.number}", styles.muted),
    ]


def _seed(trial: TrialView) -> str:
    device = f" · on {plain(trial.device)}" if trial.device else ""
    attempts = f" · attempt {trial.attempts}" if trial.attempts > 1 else ""
    return f"{trial.seed}{device}{attempts}"


def _times(trial: TrialView, now: float) -> str:
    if not trial.started:
        return ""
    verb = "runs for" if trial.state is TrialState.RUNNING else "took"
    taken = elapsed(trial, now)
    return time_of_day(trial.started) + (f" · {verb} {fmt.clock(taken)}" if taken > 0 else "")


def _progress(trial: TrialView) -> str:
    if not trial.of:
        return ""
    epoch = f"{fmt.epoch(trial.epoch)} · " if trial.epoch else ""
    return f"{epoch}step {trial.step} of {trial.of}"


def _label(text: str, styles: Styles) -> Run:
    return f"{text:{LABEL}}", styles.muted


def _labelled(label: str, text: str, width: int, styles: Styles) -> Lines:
    if not text or width <= LABEL:
        return []
    folded = wrapped(text, width - LABEL)
    return [
        [_label("" if index else label, styles), (line, styles.text)]
        for index, line in enumerate(folded)
    ]

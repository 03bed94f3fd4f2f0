"""What is known of a trial beside its values: times, memory, files, origin, re-runs."""

from __future__ import annotations

from tuner.recipe.origins import ENQUEUED, SAMPLED, ancestor_trial_number, repeated_trial_number
from tuner.render.event_text import local_time_of_day
from tuner.render.renderable_lines import Lines
from tuner.render.state_marks import trial_state_glyph, trial_state_word
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import wrap_at_spaces
from tuner.render.trial_columns import INTERVAL_END_WIDTH, elapsed_seconds
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session.reruns import RerunGroup, find_rerun_group
from tuner.session.scores import ScoreWithInterval
from tuner.session.test_seal import describe_openings
from tuner.session.view import SessionView, TrialState, TrialView

LABEL_WIDTH = 9


def trial_fact_lines(
    view: SessionView, trial: TrialView, width: int, styles: Styles, now: float,
    score: ScoreWithInterval | None = None,
) -> Lines:  # fmt: skip
    """Draw label and text, one fact a line; what is not known is left out."""
    facts = {
        "seed": _seed_text(trial),
        "started": _time_text(trial, now),
        "progress": _progress_text(trial),
        "memory": f"peak {fmt.format_bytes(trial.memory)}" if trial.memory else "",
        "test": _test_score_text(view, trial),
        "files": trial_folder_text(trial.number),
        "from": trial_origin_text(trial),
        "search": f"generation {trial.generation}" if trial.generation else "",
    }
    lines: Lines = []
    for label, text in facts.items():
        lines += _labelled_lines(label, text, width, styles)
    lines += rerun_result_lines(view, trial, width, styles)
    return [*lines, *_labelled_lines("95 %", _score_interval_text(score), width, styles)]


def _score_interval_text(score: ScoreWithInterval | None) -> str:
    """Return `0.754…0.847, majority 0.502`: the score's interval, and the score to beat."""
    if score is None:
        return ""
    interval, floor = score.interval, score.majority
    ends = "no predictions are stored"
    if interval:
        ends = fmt.format_interval(interval.low, interval.high, INTERVAL_END_WIDTH)
    if floor is None:
        return ends
    return f"{ends}, majority {fmt.format_score(floor.value, INTERVAL_END_WIDTH)}"


def trial_facts_sentence(view: SessionView, trial: TrialView, now: float) -> str:
    """Join the facts and the mean of the re-runs in one line."""
    reruns = find_rerun_group(view, trial.number)
    rerun_texts = [
        f"seed {t.seed} {fmt.format_score(t.value)}" for t in reruns.others if t is not trial
    ]
    pieces = [
        _time_text(trial, now),
        _progress_text(trial),
        f"memory {fmt.format_bytes(trial.memory)}" if trial.memory else "",
        f"test {test}" if (test := _test_score_text(view, trial)) else "",
        f"seed {_seed_text(trial)}",
        trial_folder_text(trial.number),
        trial_origin_text(trial),
        f"reruns {', '.join(rerun_texts)}" if rerun_texts else "",
        rerun_summary(reruns),
    ]
    return " · ".join(piece for piece in pieces if piece)


def _test_score_text(view: SessionView, trial: TrialView) -> str:
    """Return the score on the sealed rows, "" until they were opened for this trial."""
    scored = view.scored_test
    if scored is None or scored.trial != trial.number:
        return ""
    value = scored.metrics.get(view.metric)
    rows = fmt.count_in_words(scored.n, "row")
    return f"{fmt.format_score(value)} on {rows}, {describe_openings(scored)}"


def trial_folder_text(number: int) -> str:
    return f"trials/{number:04d}/"


def trial_origin_text(trial: TrialView) -> str:
    """Say where a trial comes from, "" where the sampler suggested it."""
    source = ancestor_trial_number(trial.origin)
    if source is not None:
        is_repeat = repeated_trial_number(trial.origin) is not None
        return f"#{source} again with another seed" if is_repeat else f"#{source}, edited by you"
    return {SAMPLED: "", ENQUEUED: "enqueued by you"}.get(trial.origin, sanitize_text(trial.origin))


def rerun_result_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """Draw every run of the same values with its seed, then mean ± deviation."""
    reruns = find_rerun_group(view, trial.number)
    if not reruns.others:
        return []
    lines: Lines = []
    for index, rerun in enumerate(t for t in (reruns.first, *reruns.others) if t is not trial):
        label = "reruns" if not index else ""
        best = rerun.number == view.best
        lines.append([_label_run(label, styles), *_rerun_runs(rerun, styles, best=best)])
    if summary := rerun_summary(reruns):
        lines.append([_label_run("", styles), (summary, styles.heading)])
    return [line for line in lines if width > LABEL_WIDTH]


def rerun_summary(reruns: RerunGroup) -> str:
    """Return `mean 0.8123 ± 0.0072 of 3`; "" before two runs are complete."""
    if reruns.mean is None or reruns.deviation is None:
        return ""
    spread = fmt.format_score(reruns.deviation)
    return f"mean {fmt.format_score(reruns.mean)} ± {spread} of {len(reruns.values)}"


def _rerun_runs(trial: TrialView, styles: Styles, *, best: bool) -> list[TextRun]:
    complete = trial.state is TrialState.COMPLETE
    score_text = (
        fmt.format_score(trial.value)
        if complete
        else f"{trial_state_glyph(trial)} {trial_state_word(trial)}"
    )
    style = styles.trial_style(trial.state, best=best)
    return [
        (f"seed {trial.seed} ", styles.text),
        (score_text, style),
        (f"  #{trial.number}", styles.muted),
    ]


def _seed_text(trial: TrialView) -> str:
    device = f" · on {sanitize_text(trial.device)}" if trial.device else ""
    attempts = f" · attempt {trial.attempts}" if trial.attempts > 1 else ""
    return f"{trial.seed}{device}{attempts}"


def _time_text(trial: TrialView, now: float) -> str:
    if not trial.started:
        return ""
    verb = "runs for" if trial.state is TrialState.RUNNING else "took"
    seconds = elapsed_seconds(trial, now)
    return local_time_of_day(trial.started) + (
        f" · {verb} {fmt.format_clock(seconds)}" if seconds > 0 else ""
    )


def _progress_text(trial: TrialView) -> str:
    if not trial.total_steps:
        return ""
    epoch = f"{fmt.format_epoch(trial.epoch)} · " if trial.epoch else ""
    return f"{epoch}step {trial.step} of {trial.total_steps}"


def _label_run(text: str, styles: Styles) -> TextRun:
    return f"{text:{LABEL_WIDTH}}", styles.muted


def _labelled_lines(label: str, text: str, width: int, styles: Styles) -> Lines:
    if not text or width <= LABEL_WIDTH:
        return []
    folded = wrap_at_spaces(text, width - LABEL_WIDTH)
    return [
        [_label_run("" if index else label, styles), (line, styles.text)]
        for index, line in enumerate(folded)
    ]

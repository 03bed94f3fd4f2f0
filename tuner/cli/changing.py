"""`tuner set` and `tuner zoom`: a session's recipe changed, whether it has trials or not."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tuner.cli.follow import AWAKE
from tuner.cli.output import note, show_line
from tuner.cli.places import named_session
from tuner.errors import TunerError
from tuner.recipe.changes import TEST, other_task
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import parse
from tuner.recipe.numbers import read_number, split_range
from tuner.recipe.paths import split_expression, split_key
from tuner.recipe.types import Recipe
from tuner.recipe.zoom import Ends, zoom
from tuner.session.advice import call
from tuner.session.budget import nothing_left, trials_left
from tuner.session.folder import Session
from tuner.session.generations import next_generation, what_follows
from tuner.session.plan import enough_trials
from tuner.session.seal import replacing_refused
from tuner.session.status import current
from tuner.session.view import SessionState, SessionView


def set_keys(options: argparse.Namespace) -> int:
    """Write keys of the recipe, as `tuner new --set` does."""
    session, view, document = _changeable(options)
    for expression in options.values:
        document.set_expression(expression, "tuner set")
    if any(_key_of(expression) == TEST for expression in options.values):
        return _save_with_test(session, view, document)
    return _save(session, view, document)


def _key_of(expression: str) -> str:
    return ".".join(split_key(split_expression(expression, "tuner set")[0], "tuner set"))


def _save_with_test(session: Session, view: SessionView, document: RecipeDocument) -> int:
    """Even where the same file is named again: what it holds now is what is to be sealed."""
    refused = replacing_refused(view)
    if refused:
        raise TunerError(refused)
    code = _save(session, view, document)
    if view.sealed is not None:
        from tuner.worker.seal import break_seal

        source = document.recipe().data.test or ""
        break_seal(session, source)
        note(f"{TEST}: `{call('test', session)}` or the next start seals the rows of {source} anew")
    return code


def zoom_in(options: argparse.Namespace) -> int:
    """Give searched numbers other ends, and where no trial is left to run more trials."""
    session, view, document = _changeable(options)
    zoom(document, dict(read_ends(options.ranges)), "tuner zoom")
    recipe = document.recipe()
    trials = options.trials or enough_trials(view, recipe)
    if trials != recipe.search.trials:
        document.set("search.trials", trials)
        note(f"search.trials = {trials}, it was {recipe.search.trials}")
    return _save(session, view, document)


def read_ends(pairs: Iterable[str]) -> Iterable[tuple[str, Ends]]:
    """KEY=LOW..HIGH as (KEY, (LOW, HIGH)); raises TunerError."""
    for pair in pairs:
        key, _, text = pair.partition("=")
        ends = [read_number(end) for end in split_range(text)]
        low, high = ends[0], ends[-1]
        if low is None or high is None or len(ends) > 2:
            told = f"{text} is no range: write {key}=LOW..HIGH, such as {key}=1e-5..4e-5"
            raise TunerError(told)
        yield key.strip(), (float(low), float(high))


def _changeable(options: argparse.Namespace) -> tuple[Session, SessionView, RecipeDocument]:
    session = named_session(options)
    view, state = current(session)
    if state in AWAKE:
        told = f"{session.name} is {state}: `{call('pause', session)}` first"
        raise TunerError(f"{told}, then change it and start it again")
    if state is SessionState.STOPPED:
        raise TunerError(f"{session.name} is stopped for good: its recipe stays as it was")
    return session, view, RecipeDocument.load(session.recipe_path)


def _save(session: Session, view: SessionView, document: RecipeDocument) -> int:
    recipe = document.recipe()
    other = other_task(parse(view.recipe, "events.jsonl"), recipe) if view.trials else ""
    if other:
        raise TunerError(
            f"{other} cannot change: the trials of {session.name} could not be compared any more; "
            f"tuner new OTHER --from {session.name} --set {other}=… makes a session with it"
        )
    document.save(session.recipe_path)
    show_line(str(session.recipe_path))
    follows = what_follows(next_generation(view, recipe))
    if follows:
        note(f"{call('start', session)} {follows}")
    note_what_is_left(session, view, recipe)
    return 0


def note_what_is_left(session: Session, view: SessionView, recipe: Recipe) -> None:
    """Say whether a start goes on with the search, or what would end it at once."""
    spent = nothing_left(view, recipe)
    if spent is not None:
        note(spent.advise())
    elif view.over:
        left = trials_left(view, recipe)
        trials = f"{left} trial{'' if left == 1 else 's'} to go"
        note(f"{call('resume', session)} goes on, with {trials}")

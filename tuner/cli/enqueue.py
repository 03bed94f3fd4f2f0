"""`tuner enqueue`: a trial with these values next, or an earlier one again."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tuner.cli.event_lines import values_line
from tuner.cli.follow import AWAKE
from tuner.cli.output import show, working
from tuner.cli.places import named_session
from tuner.cli.trial import find_trial
from tuner.errors import TunerError
from tuner.recipe.load import load
from tuner.recipe.origins import SEED
from tuner.recipe.paths import read_value
from tuner.recipe.readers import plain_number
from tuner.recipe.space import check_values, one_rate
from tuner.recipe.types import Recipe, Scalar
from tuner.session.advice import call
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.generations import groups_in_model
from tuner.session.inbox import send
from tuner.session.lineage import first_of, values_of
from tuner.session.status import current
from tuner.session.view import SessionState, SessionView

ALL_RATES = "lr"


def enqueue(options: argparse.Namespace) -> int:
    """Ask the worker, or leave the request for the next one."""
    session = named_session(options)
    view, state = current(session)
    recipe = groups_in_model(view, load(session.recipe_path))
    command, words = _command(options, recipe, view)
    check_values(recipe, command.params)
    if state in AWAKE:
        return _ask(session, command, words)
    if state is SessionState.STOPPED:
        raise TunerError(f"{session.name} is stopped: it takes no more trials")
    send(session, command)
    show(f"next trial when {session.name} is started: {words}")
    if state is SessionState.FINISHED:
        show(f"{call('start', session)} starts it")
    return 0


def _command(options: argparse.Namespace, recipe: Recipe, view: SessionView) -> tuple[Enqueue, str]:
    """What to ask for, and how to say it in a few words."""
    values = read_values(recipe, options.values)
    if options.rerun is not None:
        return _rerun(options, values, view)
    if options.seed is not None:
        values = {**values, SEED: options.seed}
    if options.like is not None:
        like = find_trial(view, options.like, options.name)
        params = {**values_of(view, like), **values}
        words = f"trial {like.number} with {values_line(values) or 'the same values'}"
        return Enqueue(params=params, copy_of=like.number), words
    if not values:
        raise TunerError("which values? give KEY=VALUE, --like TRIAL or --rerun TRIAL")
    return Enqueue(params=values), values_line(values)


def _rerun(
    options: argparse.Namespace, values: dict[str, Scalar], view: SessionView
) -> tuple[Enqueue, str]:
    if values or options.like is not None:
        raise TunerError("--rerun repeats all values of a trial: use --like to change some")
    number = first_of(view, find_trial(view, options.rerun, options.name).number)
    seed = {} if options.seed is None else {SEED: options.seed}
    words = f"trial {number} again, with {f'seed {options.seed}' if seed else 'another seed'}"
    return Enqueue(params=seed, rerun_of=number), words


def _ask(session: Session, command: Enqueue, words: str) -> int:
    from tuner.worker.control import enqueue as ask

    with working(f"asking the worker of {session.name}"):
        ask(session, command.params, rerun_of=command.rerun_of, copy_of=command.copy_of)
    show(f"next trial: {words}")
    return 0


def read_values(recipe: Recipe, pairs: Iterable[str]) -> dict[str, Scalar]:
    """The values by flat name; `lr` stands for the rate of every group, tied ones too.

    Another pair wins over `lr`, whatever the order; the same key twice is refused.
    """
    given: dict[str, Scalar] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        key = key.strip()
        if key in given:
            raise TunerError(f"{key} is given twice")
        given[key] = scalar(key, text.strip())
    if ALL_RATES not in given:
        return given
    rate = given.pop(ALL_RATES)
    return one_rate(recipe.groups, rate, given)


def scalar(key: str, text: str) -> Scalar:
    """A value as TOML reads it; a bare word is text. Raises TunerError for tables and lists."""
    value = plain_number(read_value(text, key))
    if not isinstance(value, bool | int | float | str):
        raise TunerError(f"{key}: {text} is not one value, but a trial has one for each key")
    return value

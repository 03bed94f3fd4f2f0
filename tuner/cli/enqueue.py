"""`tuner enqueue`: a trial with these values next."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tuner.cli.event_lines import values_line
from tuner.cli.follow import AWAKE
from tuner.cli.output import show, working
from tuner.cli.places import current, named_session
from tuner.errors import TunerError
from tuner.recipe.load import load
from tuner.recipe.paths import read_value
from tuner.recipe.space import check_values
from tuner.recipe.types import Recipe, Scalar
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.inbox import send
from tuner.session.view import SessionState

ALL_RATES = "lr"
WAITING = (SessionState.DRAFT, SessionState.PAUSED, SessionState.CRASHED)


def enqueue(options: argparse.Namespace) -> int:
    """Ask the worker, or leave the request for the next one."""
    session = named_session(options)
    recipe = load(session.recipe_path)
    params = read_values(recipe, options.values)
    check_values(recipe, params)
    _, state = current(session)
    if state in AWAKE:
        return _ask(session, params)
    if state not in WAITING:
        raise TunerError(f"{session.name} is {state}: it takes no more trials")
    send(session, Enqueue(id="", params=params))
    show(f"next trial when {session.name} is started: {values_line(params)}")
    return 0


def _ask(session: Session, params: dict[str, Scalar]) -> int:
    from tuner.worker.control import enqueue as ask

    with working(f"asking the worker of {session.name}"):
        ask(session, params)
    show(f"next trial: {values_line(params)}")
    return 0


def read_values(recipe: Recipe, pairs: Iterable[str]) -> dict[str, Scalar]:
    """The values by flat name; `lr` stands for every group's rate.

    A later pair wins over `lr`, whatever the order; the same key twice is refused.
    """
    shared: dict[str, Scalar] = {}
    own: dict[str, Scalar] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        key, value = key.strip(), scalar(key.strip(), text.strip())
        names = [f"lr.{group.name}" for group in recipe.groups] if key == ALL_RATES else [key]
        into = shared if key == ALL_RATES else own
        if any(name in into for name in names):
            raise TunerError(f"{key} is given twice")
        into.update(dict.fromkeys(names, value))
    return {**shared, **own}


def scalar(key: str, text: str) -> Scalar:
    """A value as TOML reads it; a bare word is text. Raises TunerError for tables and lists."""
    value = read_value(text, key)
    if not isinstance(value, bool | int | float | str):
        raise TunerError(f"{key}: {text} is not one value, but a trial has one for each key")
    return value

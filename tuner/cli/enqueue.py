"""`tuner enqueue`: a trial with these values next, or an earlier one again."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tuner.cli.event_lines import first_values_text
from tuner.cli.output import print_result, progress_spinner
from tuner.cli.session_lookup import named_session
from tuner.cli.show import find_named_trial
from tuner.errors import TunerError
from tuner.recipe.field_parsers import parse_if_number
from tuner.recipe.load import load_recipe
from tuner.recipe.origins import SEED
from tuner.recipe.paths import parse_typed_value
from tuner.recipe.space import check_trial_values, single_rate_values
from tuner.recipe.types import Recipe, Scalar
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.generations import without_empty_groups
from tuner.session.inbox import send_command
from tuner.session.lifecycle import refuse_unless_allowed
from tuner.session.reruns import original_trial_number, trial_values_now
from tuner.session.status import load_current_session
from tuner.session.suggested_command import command_line
from tuner.session.view import ALIVE_STATES, SessionState, SessionView

ALL_RATES = "lr"


def enqueue_trial(options: argparse.Namespace) -> int:
    """Send the request to the worker, or leave it for the next one."""
    session = named_session(options)
    view, state = load_current_session(session)
    recipe = without_empty_groups(view, load_recipe(session.recipe_path))
    command, description = _enqueue_command(options, recipe, view)
    check_trial_values(recipe, command.params)
    if state in ALIVE_STATES:
        return _send_to_worker(session, command, description)
    refuse_unless_allowed("enqueue", session.name, state)
    send_command(session, command)
    print_result(f"next trial when {session.name} is started: {description}")
    if state is SessionState.FINISHED:
        print_result(f"{command_line('start', session)} starts it")
    return 0


def _enqueue_command(
    options: argparse.Namespace, recipe: Recipe, view: SessionView
) -> tuple[Enqueue, str]:
    """Return the request and a few words that describe it."""
    values = parse_trial_values(recipe, options.values)
    if options.rerun is not None:
        return _rerun_command(options, values, view)
    if options.seed is not None:
        values = {**values, SEED: options.seed}
    if options.like is not None:
        like = find_named_trial(view, options.like, options.name)
        params = {**trial_values_now(view, like), **values}
        description = f"trial {like.number} with {first_values_text(values) or 'the same values'}"
        return Enqueue(params=params, copy_of=like.number), description
    if not values:
        raise TunerError("which values? give KEY=VALUE, --like TRIAL or --rerun TRIAL")
    return Enqueue(params=values), first_values_text(values)


def _rerun_command(
    options: argparse.Namespace, values: dict[str, Scalar], view: SessionView
) -> tuple[Enqueue, str]:
    if values or options.like is not None:
        raise TunerError("--rerun repeats all values of a trial; use --like to change some")
    number = original_trial_number(view, find_named_trial(view, options.rerun, options.name).number)
    seed = {} if options.seed is None else {SEED: options.seed}
    description = f"trial {number} again, with {f'seed {options.seed}' if seed else 'another seed'}"
    return Enqueue(params=seed, rerun_of=number), description


def _send_to_worker(session: Session, command: Enqueue, description: str) -> int:
    from tuner.worker.control import enqueue_trial as ask

    with progress_spinner(f"asking the worker of {session.name}"):
        ask(session, command.params, rerun_of=command.rerun_of, copy_of=command.copy_of)
    print_result(f"next trial: {description}")
    return 0


def parse_trial_values(recipe: Recipe, pairs: Iterable[str]) -> dict[str, Scalar]:
    """Return the values by flat name; `lr` stands for the rate of every group, tied ones too.

    Another pair overrides `lr`, in any order; the same key twice is an error.
    """
    values_by_name: dict[str, Scalar] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        key = key.strip()
        if key in values_by_name:
            raise TunerError(f"{key} is given twice")
        values_by_name[key] = parse_scalar_value(key, text.strip())
    if ALL_RATES not in values_by_name:
        return values_by_name
    rate = values_by_name.pop(ALL_RATES)
    return single_rate_values(recipe.groups, rate, values_by_name)


def parse_scalar_value(key: str, text: str) -> Scalar:
    """Parse a value as TOML does; a bare word is text. Raises TunerError for tables and lists."""
    value = parse_if_number(parse_typed_value(text, key))
    if not isinstance(value, bool | int | float | str):
        raise TunerError(f"{key}: {text} is not a single value; a trial has one per key")
    return value

"""Whether a session that has ended can go on, and what is to be changed for that."""

from __future__ import annotations

from tuner.recipe.load import load
from tuner.session.advice import call
from tuner.session.budget import is_changed, nothing_left
from tuner.session.folder import Session
from tuner.session.inbox import waiting_trials
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, SessionView


def is_over(session: Session, view: SessionView, state: SessionState) -> bool:
    """Whether nothing is left to start: stopped, or done with all that was asked for."""
    if state is SessionState.STOPPED:
        return True
    if state in ALIVE or not view.over or waiting_trials(session, view.commands_done):
        return False
    recipe = load(session.recipe_path)
    return not is_changed(view, recipe) or nothing_left(view, recipe) is not None


def how_to_go_on(session: Session, view: SessionView) -> str:
    """What to change so that a search goes on that is over, as a clause."""
    spent = nothing_left(view, load(session.recipe_path))
    change, resume = call("set", session), f"then {call('resume', session)} goes on"
    if spent is None:
        return f"{change} changes what is searched, {resume}"
    if not spent.key:
        more = call("enqueue", session)
        return f"nothing is searched: a range in the recipe, or {more}, adds trials"
    return f"{change} {spent.key}=… raises that, {resume}"

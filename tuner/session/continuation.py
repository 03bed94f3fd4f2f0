"""Whether a session that has ended can go on, and what is to be changed for that."""

from __future__ import annotations

from tuner.recipe.load import load_recipe
from tuner.session.budget import has_recipe_changed, reason_for_immediate_end
from tuner.session.folder import Session
from tuner.session.inbox import pending_enqueues
from tuner.session.lifecycle import reason_not_allowed
from tuner.session.suggested_command import command_line
from tuner.session.view import ALIVE_STATES, SessionState, SessionView


def is_search_over(session: Session, view: SessionView, state: SessionState) -> bool:
    """Check whether nothing is left to start: stopped, or all that was asked for is done."""
    if state is SessionState.STOPPED:
        return True
    if (
        state in ALIVE_STATES
        or not view.over_reason
        or pending_enqueues(session, view.commands_done)
    ):
        return False
    recipe = load_recipe(session.recipe_path)
    return (
        not has_recipe_changed(view, recipe) or reason_for_immediate_end(view, recipe) is not None
    )


def reason_search_is_over(session: Session, view: SessionView, state: SessionState) -> str:
    """Say why a start would train nothing, and what changes that; "" where it would train."""
    if not is_search_over(session, view, state):
        return ""
    if state is SessionState.STOPPED:
        return reason_not_allowed("resume", session.name, state)
    advice = advice_to_continue(session, view)
    if state is SessionState.FAILED:
        return f"{session.name} failed: {view.reason}; {advice}"
    trials, another = command_line("trials", session), command_line("enqueue", session)
    return (
        f"{session.name} is {state} ({view.over_reason}); {trials} shows its trials, "
        f"{another} KEY=VALUE adds one; {advice}"
    )


def advice_to_continue(session: Session, view: SessionView) -> str:
    """Say in a clause what to change so that a finished search can continue."""
    spent_budget = reason_for_immediate_end(view, load_recipe(session.recipe_path))
    change, resume = command_line("set", session), f"then {command_line('resume', session)} goes on"
    if spent_budget is None:
        return f"{change} changes what is searched, {resume}"
    if not spent_budget.key:
        more = command_line("enqueue", session)
        return f"nothing is searched: a range in the recipe, or {more}, adds trials"
    return f"{change} {spent_budget.key}=… raises that, {resume}"

"""`tuner set` and `tuner zoom`: a session's recipe changed, whether it has trials or not."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tuner.cli.output import print_note, print_result_line
from tuner.cli.session_lookup import named_session
from tuner.errors import TunerError
from tuner.recipe.changes import TEST
from tuner.recipe.document import RecipeDocument
from tuner.recipe.numbers import parse_number_text, split_range_ends
from tuner.recipe.paths import split_dotted_key, split_expression
from tuner.recipe.range_edits import Ends, write_range_ends
from tuner.recipe.types import Recipe
from tuner.results.format import count_in_words
from tuner.session.budget import count_trials_left, reason_for_immediate_end
from tuner.session.folder import Session
from tuner.session.generations import (
    describe_next_generation,
    next_generation,
    reason_recipe_refused,
)
from tuner.session.lifecycle import refuse_unless_allowed
from tuner.session.status import load_current_session
from tuner.session.suggested_command import command_line
from tuner.session.test_seal import reason_test_is_final
from tuner.session.trial_plan import trials_to_continue
from tuner.session.view import SessionView


def set_recipe_keys(options: argparse.Namespace) -> int:
    """Write keys into the recipe, as `tuner new --set` does."""
    session, view, document = _load_changeable_recipe(options)
    for expression in options.values:
        document.set_expression(expression, "tuner set")
    if any(_dotted_key(expression) == TEST for expression in options.values):
        return _save_with_new_test_rows(session, view, document)
    return _save_recipe(session, view, document)


def _dotted_key(expression: str) -> str:
    return ".".join(split_dotted_key(split_expression(expression, "tuner set")[0], "tuner set"))


def _save_with_new_test_rows(session: Session, view: SessionView, document: RecipeDocument) -> int:
    """Save, and seal the test rows anew, even of the same file: its content may have changed."""
    refused = reason_test_is_final(view)
    if refused:
        raise TunerError(refused)
    code = _save_recipe(session, view, document)
    if view.sealed_test is not None:
        from tuner.worker.test_rows import break_test_seal

        source = document.parse_recipe().data.test or ""
        break_test_seal(session, source)
        print_note(
            f"{TEST}: `{command_line('test', session)}` or the next start seals the rows "
            f"of {source} anew"
        )
    return code


def zoom_search_ranges(options: argparse.Namespace) -> int:
    """Narrow or move the ranges of searched numbers; add trials where none is left to run."""
    session, view, document = _load_changeable_recipe(options)
    write_range_ends(document, dict(parse_range_ends(options.ranges)), "tuner zoom")
    recipe = document.parse_recipe()
    trials = options.trials or trials_to_continue(view, recipe)
    if trials != recipe.search.trials:
        document.set_value("search.trials", trials)
        print_note(f"search.trials = {trials}, it was {recipe.search.trials}")
    return _save_recipe(session, view, document)


def parse_range_ends(pairs: Iterable[str]) -> Iterable[tuple[str, Ends]]:
    """Parse KEY=LOW..HIGH into (KEY, (LOW, HIGH)); raises TunerError."""
    for pair in pairs:
        key, _, text = pair.partition("=")
        ends = [parse_number_text(end) for end in split_range_ends(text)]
        low, high = ends[0], ends[-1]
        if low is None or high is None or len(ends) > 2:
            message = f"{text} is not a range: write {key}=LOW..HIGH, such as {key}=1e-5..4e-5"
            raise TunerError(message)
        yield key.strip(), (float(low), float(high))


def _load_changeable_recipe(
    options: argparse.Namespace,
) -> tuple[Session, SessionView, RecipeDocument]:
    session = named_session(options)
    view, state = load_current_session(session)
    refuse_unless_allowed("change", session.name, state)
    return session, view, RecipeDocument.from_file(session.recipe_path)


def _save_recipe(session: Session, view: SessionView, document: RecipeDocument) -> int:
    recipe = document.parse_recipe()
    reason = reason_recipe_refused(view, recipe)
    if reason:
        raise TunerError(f"{reason}: tuner new OTHER --from {session.name} --set KEY=VALUE")
    document.save_atomically(session.recipe_path)
    print_result_line(str(session.recipe_path))
    follows = describe_next_generation(next_generation(view, recipe))
    if follows:
        print_note(f"{command_line('start', session)} {follows}")
    note_remaining_trials(session, view, recipe)
    return 0


def note_remaining_trials(session: Session, view: SessionView, recipe: Recipe) -> None:
    """Say whether a start continues the search, or why it would end at once."""
    spent = reason_for_immediate_end(view, recipe)
    if spent is not None:
        print_note(spent.describe_with_advice())
    elif view.over_reason:
        trials = count_in_words(count_trials_left(view, recipe), "trial")
        print_note(f"{command_line('resume', session)} continues with {trials} left")

"""Opening the sealed test split: once, and counted when it is more often."""

from __future__ import annotations

import queue
import sys

from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.pool import protocol as p
from tuner.pool.local import LocalTrainer
from tuner.pool.orphans import end_orphaned_trainers, trainer_lock_path
from tuner.pool.trainer import Trainer, TrainerExited, TrainerMessage, UndecodableMessage
from tuner.recipe.load import load_recipe, recipe_to_dict
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.best_document import load_cached_model, save_model_description
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.suggested_command import command_line
from tuner.session.test_seal import find_openings, own_opened_hashes, reason_test_change_refused
from tuner.worker.best_model import write_best_json_file
from tuner.worker.event_log import EventLog
from tuner.worker.exclusive import exclusive_session
from tuner.worker.message_events import event_from
from tuner.worker.parallelism import threads_per_trainer
from tuner.worker.session_kernels import kernels_for_trainer
from tuner.worker.test_rows import seal_test_rows

END_PATIENCE = 10.0
ORPHAN_PATIENCE = 30.0


def score_test_rows(session: Session, again: bool = False) -> e.TestScored:
    """Score the best model on the sealed test split; record it in the log and in best.json.

    Where the present best was scored before, the stored result comes back, unless it is to be
    scored `again`; `opened` counts how often the rows were looked at, in all sessions. Raises
    TunerError where there is no sealed split or not the one that was sealed, or while a worker is
    running; NotFinished where there is no best model.
    """
    recipe = load_recipe(session.recipe_path)
    if recipe.data.test is None and not recipe.data.holdout:
        raise TunerError(
            f"session {session.name!r} has no test rows: "
            f"`{command_line('set', session)} data.test=FILE` seals some"
        )
    stored_view = load_session_view(session)
    refused = reason_test_change_refused(stored_view, stored_view.require_recipe(), recipe)
    if refused:
        raise TunerError(refused)
    if (
        stored_view.scored_test is not None
        and stored_view.scored_test.trial == stored_view.best
        and not again
    ):
        return stored_view.scored_test
    with exclusive_session(session):
        return _score_with_lock(session, recipe)


def _score_with_lock(session: Session, recipe: Recipe) -> e.TestScored:
    event_log = EventLog(session)
    try:
        best = event_log.view.best
        if best is None or not session.best_folder.is_dir():
            raise NotFinished(f"session {session.name!r} has no best model to test yet")
        scored = _score_in_trainer(session, recipe, event_log)
        event = event_log.record_event(_test_scored_event(session, event_log, best, scored))
        write_best_json_file(session, event_log.view)
        return event
    finally:
        event_log.close_log()


def _test_scored_event(
    session: Session, event_log: EventLog, best: int, scored: p.Scored
) -> e.TestScored:
    texts = "" if event_log.view.sealed_test is None else event_log.view.sealed_test.texts
    openings = find_openings(session, texts, own_opened_hashes(session))
    for name in openings.unread:
        event_log.log_message(
            "warning", f"cannot tell whether {name} opened these test rows: not readable"
        )
    return event_from(
        e.TestScored,
        scored,
        trial=best,
        opened=1 + openings.times,
        texts=texts,
        sessions=openings.sessions,
        shared=openings.shared,
    )


def _score_in_trainer(session: Session, recipe: Recipe, event_log: EventLog) -> p.Scored:
    messages: queue.Queue[TrainerMessage] = queue.Queue()

    def receive_message(_: Trainer, message: TrainerMessage) -> None:
        messages.put(message)

    session.cache_folder.mkdir(mode=0o700, exist_ok=True)
    end_orphaned_trainers(session.cache_folder, ORPHAN_PATIENCE)
    threads = threads_per_trainer(1)
    with session.log_path.open("a", encoding="utf-8") as log:
        trainer = LocalTrainer(
            receive_message,
            lambda line: print(line, file=log),
            trainer_lock_path(session.cache_folder, 0),
            threads,
        )
        try:
            kernels, rule = kernels_for_trainer(event_log.view)
            trainer.send(
                p.Setup(
                    session=str(session.path.resolve()),
                    recipe=recipe_to_dict(recipe),
                    device="auto",
                    threads=threads,
                    kernels=kernels,
                    kernels_rule="prefer" if kernels else rule,
                )
            )
            return _wait_for_scores(trainer, messages, session, event_log)
        finally:
            trainer.request_end()
            _wait_for_trainer_end(trainer, messages)


def _wait_for_scores(
    trainer: LocalTrainer,
    messages: queue.Queue[TrainerMessage],
    session: Session,
    event_log: EventLog,
) -> p.Scored:
    """Wait for the scores; TunerError, before anything is opened, if the rows have changed."""
    while True:
        match messages.get():
            case p.Ready() as ready:
                problem = "" if ready.test is None else seal_test_rows(event_log, ready.test)
                if problem:
                    raise TunerError(problem)
                if ready.model is not None and load_cached_model(session) is None:
                    save_model_description(session, ready.model)
                trainer.send(p.Score(folder=str(session.best_folder.resolve())))
            case p.Scored() as scored:
                return scored
            case p.Refused() as refused:
                raise TunerError(refused.error)
            case p.Failed() as failed:
                raise StudyFailed(f"{failed.cause}: {failed.error}")
            case TrainerExited() as lost:
                messages.put(lost)
                words = " / ".join(lost.lines[-3:])
                raise StudyFailed(f"{lost.describe_exit()}: {words}")
            case UndecodableMessage() as garbled:
                raise RuntimeError(
                    f"the trainer sent a message that cannot be read: {garbled.line[:200]}"
                )
            case _:
                continue


def _wait_for_trainer_end(trainer: LocalTrainer, messages: queue.Queue[TrainerMessage]) -> None:
    """Wait for `TrainerExited`, so that nothing prints into the log after it was closed."""
    try:
        while not isinstance(messages.get(timeout=END_PATIENCE), TrainerExited):
            continue
    except queue.Empty:
        print(f"trainer {trainer.pid} did not end and is killed", file=sys.stderr)
        trainer.kill_process_group()
        while not isinstance(messages.get(), TrainerExited):
            continue

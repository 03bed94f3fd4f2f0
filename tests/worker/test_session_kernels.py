"""One choice of kernels a session: recorded once, kept, and chosen anew only where asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.worker.worker_sessions import evaluations, kinds, make_session, of_kind, run_worker
from tests.worker.worker_sessions import run_worker_until as run_until
from tuner.session import events as e
from tuner.session.fold import load_session_view

BF16 = {"precision": "bf16", "attention": "bf16", "processor": "A", "speeds": {"bf16": 200.0}}
FP32 = {"precision": "fp32", "products": "onednn", "processor": "B"}


def precisions(session: Any) -> list[str]:
    return [event.precision for event in of_kind(session, e.KernelsChosen)]


def test_a_choice_is_recorded_once_before_any_trial_and_kept_when_resumed(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    run_until(session, evaluations(1), kernels=BF16).kill()
    assert run_worker(session, kernels=FP32) == 0
    order = kinds(session)
    assert order.index("KernelsChosen") < order.index("TrialStarted")
    assert precisions(session) == ["bf16"]
    assert load_session_view(session).kernels is not None


def test_a_machine_without_the_kernels_refuses_until_told_to_choose_anew(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    run_until(session, evaluations(1), kernels=BF16).kill()
    assert run_worker(session, kernels=FP32, lacks="bf16") == 1
    refused = load_session_view(session)
    assert refused.lacks_kernels
    assert refused.reason.startswith("no bf16 here; `tuner resume demo")
    assert refused.reason.endswith("--rechoose` goes on with the kernels of this machine")

    assert run_worker(session, kernels=FP32, lacks="bf16", flags=["--rechoose"]) == 0
    assert precisions(session) == ["bf16", "fp32"]
    assert not load_session_view(session).lacks_kernels
    assert len(of_kind(session, e.TrialCompleted)) == 2


def test_trials_of_an_earlier_version_go_on_by_plain_kernels(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    run_until(session, evaluations(1)).kill()
    assert precisions(session) == []
    assert run_worker(session, kernels=FP32) == 0
    rules = [line for line in session.log_path.read_text().splitlines() if "by the rule" in line]
    assert [line.split()[-1] for line in rules] == ["keep", "plain"]

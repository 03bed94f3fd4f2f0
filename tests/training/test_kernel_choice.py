"""A trainer's kernels: chosen once, the same after a resume, refused where a machine lacks them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from tests.training.conftest import RecipeMaker, of_kind, request_of, run_through
from tests.training.test_checkpoint import evaluations_without_clock, predictions, weights
from tuner.pool.protocol import Note, Pause, Setup
from tuner.recipe.kernels import BF16, ONEDNN, PLAIN_KERNELS, TORCH, Kernels, KernelsChoice
from tuner.training import kernel_choice, kernel_speeds, layouts
from tuner.training.failure_causes import KernelsMissing
from tuner.training.kernel_choice import published_choice
from tuner.training.kernel_speeds import Workload, measure_kernel_speeds
from tuner.training.loop import train_trial
from tuner.training.recipe_check import GivenKernels, check_recipe
from tuner.training.trainer_context import TrainerContext

FAST_BF16 = {TORCH: 100.0, ONEDNN: 100.0, BF16: 300.0}
SLOW_BF16 = {TORCH: 100.0, ONEDNN: 100.0, BF16: 20.0}
Measure = Callable[[dict[str, float]], None]
Start = Callable[..., TrainerContext]


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Give a function that says what is measured from now on."""

    def set_speeds(speeds: dict[str, float]) -> None:
        monkeypatch.setattr(kernel_choice, "measure_kernel_speeds", lambda *_: (speeds, []))

    return set_speeds


@pytest.fixture
def start(make_recipe: RecipeMaker, tmp_path: Path) -> Start:
    """Give a function that starts a trainer in tmp_path/session; notes go to its attribute."""

    def start_trainer(notes: list[str] | None = None, **setup: Any) -> TrainerContext:
        recipe = make_recipe(training={"kernels": "auto", "batch_size": 4})
        heard = [] if notes is None else notes
        return TrainerContext(
            Setup(
                session=str(tmp_path / "session"), recipe=recipe, device="cpu", threads=1, **setup
            ),
            lambda _level, text: heard.append(text),
        )

    return start_trainer


def test_the_second_trainer_adopts_what_the_first_one_published(
    start: Start, measure: Measure
) -> None:
    measure(FAST_BF16)
    first = start()
    assert first.kernels.precision == "bf16"
    measure(SLOW_BF16)
    assert start().kernels_choice == first.kernels_choice == start().ready_message().kernels


def _publish(folder: Path, number: int) -> str:
    choice = KernelsChoice(processor=f"process {number}")
    return published_choice(folder, "key", lambda: choice).processor


def test_of_many_that_choose_at_once_one_is_followed(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        answers = pool.starmap(_publish, [(tmp_path, number) for number in range(16)])
    assert len(set(answers)) == 1


def test_a_damaged_publication_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "kernels-key.json").write_bytes(b'{"precision": "bf')
    assert _publish(tmp_path, 1) == _publish(tmp_path, 2) == "process 1"


def test_the_check_says_what_the_run_does(
    make_recipe: RecipeMaker, start: Start, measure: Measure, tmp_path: Path
) -> None:
    measure(FAST_BF16)
    recipe = make_recipe(training={"kernels": "auto", "batch_size": 4})
    folder = tmp_path / "session"
    report = check_recipe(
        kernel_choice_recipe(recipe), folder, GivenKernels(folder=str(folder / "cache"))
    )
    texts = [finding.text for finding in report.findings]
    sentence = "kernels: bf16 products, 3.0 × as fast as fp32 (300 against 100 GFLOP/s)"
    assert any(text.startswith(sentence) for text in texts), texts
    measure(SLOW_BF16)
    assert start().kernels.precision == "bf16"


def kernel_choice_recipe(recipe: dict[str, Any]) -> Any:
    from tuner.recipe.load import parse_recipe

    return parse_recipe(recipe, "")


def test_a_bf16_trial_goes_on_to_the_bit_in_another_trainer(start: Start, measure: Measure) -> None:
    measure(FAST_BF16)
    context = start()
    whole = run_through(context, request_of(context, trial=0))
    conversation = train_trial(context, request_of(context, trial=1))
    for _ in range(6):
        next(conversation)
    conversation.send(Pause())
    conversation.close()

    measure(SLOW_BF16)
    other = start(kernels=context.kernels_choice)
    resumed = run_through(other, request_of(other, trial=1))
    assert not of_kind(resumed, Note)
    renumbered = [msgspec.structs.replace(e, trial=0) for e in evaluations_without_clock(resumed)]
    assert renumbered == evaluations_without_clock(whole)
    trials = context.session / "trials"
    assert predictions(trials / "0001") == predictions(trials / "0000")
    assert weights(trials / "0001") == weights(trials / "0000")


def test_a_trial_that_goes_on_with_other_kernels_says_so(start: Start, measure: Measure) -> None:
    measure(FAST_BF16)
    context = start()
    conversation = train_trial(context, request_of(context, trial=1))
    for _ in range(6):
        next(conversation)
    conversation.send(Pause())
    conversation.close()
    other = start(kernels_rule="plain")
    assert other.kernels == PLAIN_KERNELS
    (note,) = of_kind(run_through(other, request_of(other, trial=1)), Note)
    assert "in fp32; the steps before were computed in bf16" in note.text


def test_another_processor_goes_on_with_a_note_or_refuses(start: Start, measure: Measure) -> None:
    measure(FAST_BF16)
    elsewhere = msgspec.structs.replace(start().kernels_choice, processor="Other CPU")
    notes: list[str] = []
    assert start(notes, kernels=elsewhere).kernels_choice == elsewhere
    assert any(note.startswith("the session began on Other CPU with torch") for note in notes)
    measure(SLOW_BF16)
    with pytest.raises(KernelsMissing, match="bf16: bf16 is slower than fp32 on this processor"):
        start(kernels=elsewhere)


def test_a_torch_without_the_operator_refuses_or_takes_others(
    start: Start, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(SLOW_BF16)
    with_onednn = msgspec.structs.replace(start().kernels_choice, products="onednn")
    monkeypatch.setattr(kernel_choice, "onednn_problem", lambda: "no such operator")
    with pytest.raises(KernelsMissing, match="fp32 by oneDNN: this torch has no oneDNN"):
        start(kernels=with_onednn)
    assert start(kernels=with_onednn, kernels_rule="prefer").kernels == PLAIN_KERNELS
    of_gpu = msgspec.structs.replace(with_onednn, device="cuda")
    with pytest.raises(KernelsMissing, match="chosen for cuda, and this device is cpu"):
        start(kernels=of_gpu)


def test_a_changed_recipe_is_followed_rather_than_the_log(start: Start, measure: Measure) -> None:
    measure(FAST_BF16)
    asked_otherwise = KernelsChoice(requested_precision="fp32")
    assert start(kernels=asked_otherwise).kernels.precision == "bf16"


def test_kernels_that_fail_their_proof_are_replaced_by_plain_ones(
    start: Start, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install_wrong_products(model: nn.Module, kernels: Kernels) -> None:
        factor = 1.0 if kernels == PLAIN_KERNELS else 1.5
        for module in model.modules():
            if isinstance(module, nn.Linear):
                forward = type(module).forward
                module.forward = lambda x, m=module, f=forward: factor * f(m, x)  # type: ignore[method-assign, misc]

    measure(FAST_BF16)
    right = start().kernels_choice
    monkeypatch.setattr(layouts, "install_products", install_wrong_products)
    choice = start().kernels_choice
    assert choice.kernels == PLAIN_KERNELS
    assert choice.notes[0].startswith("bf16: packed logits differ from those of rows alone by ")
    with pytest.raises(KernelsMissing, match="bf16 fails its proof on this machine"):
        start(kernels=right)


def test_what_this_torch_lacks_falls_away(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    small = Workload(outputs=64, inputs=32, tokens=16, heads=2, head_size=16)
    speeds, missing = measure_kernel_speeds(small, "auto")
    assert min(speeds.values()) > 0
    monkeypatch.setattr(kernel_speeds, "onednn_problem", lambda: "no such operator")
    without, missing_now = measure_kernel_speeds(small, "auto")
    assert set(speeds) - set(without) == ({ONEDNN} if not missing else set())
    assert missing_now == ["no oneDNN for fp32: no such operator"]

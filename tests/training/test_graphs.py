"""Steps over fixed tensors: plain, recorded, and on a GPU as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import (
    ContextMaker,
    RecipeMaker,
    of_kind,
    print_measured,
    request_of,
    run_through,
)
from tests.training.host_sync import NoWaiting
from tuner.pool.protocol import Completed, Evaluated, Progress, Setup
from tuner.training import optimizer as optimizer_module
from tuner.training.backward import EagerRunner, Runner, StaticBackward, Step
from tuner.training.graphs import GraphRunner
from tuner.training.layouts import pack_on_device, prepare_proof
from tuner.training.memory_plan import MemoryPlan
from tuner.training.packing import Packing
from tuner.training.static import StaticLayout
from tuner.training.techniques import Techniques
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial


def made_static(context: TrainerContext, runner: Runner | None = None) -> TrainerContext:
    """Switch the context to batches packed on the device and steps over fixed tensors."""
    assert context.packing is not None
    context.packing.switch_off_packing()
    packing, proof = (
        Packing(context.model),
        prepare_proof(context.model, context.data, context.pad_token_id),
    )
    layouts = pack_on_device(
        context.model, context.data, proof, context.padding, packing, context.kernels
    )
    packing.switch_on_packing()
    assert isinstance(layouts.train, StaticLayout)
    context.packing, context.validation_layout = packing, layouts.validation
    context.train_layout = layouts.train
    context.static_backward = StaticBackward(
        context.model,
        layouts.train,
        context.autocast_context,
        EagerRunner() if runner is None else runner,
    )
    return context


class EchoCapture:
    """Warms up as a real capture does, and replays by running the step again."""

    def __init__(self) -> None:
        self.recorded = self.replayed = self.cleared = 0

    def capture_step(self, step: Step, warmup: Step) -> Step:
        self.recorded += 1
        warmup()
        warmup()

        def replay() -> None:
            self.replayed += 1
            step()

        return replay

    def release_captures(self) -> None:
        self.cleared += 1


def gradients_of(trial: Trial, updates: int) -> list[tuple[float, torch.Tensor]]:
    """Loss and all gradients of each update, as they are before clipping; nothing is learned."""
    losses_and_gradients = []
    for update in range(updates):
        order, start, end = trial.data_order.slice_of_update(update)
        loss = float(trial.backward.accumulate_gradients(order, start, end))
        grads = [p.grad.flatten() for p in trial._trained.values() if p.grad is not None]
        losses_and_gradients.append((loss, torch.cat(grads).clone()))
        trial.backward.clear_gradients()
    return losses_and_gradients


def assert_equal(first_steps: list[tuple[float, torch.Tensor]], second_steps: Any) -> None:
    assert len(first_steps) == len(second_steps) > 0
    for (loss, gradient), (same_loss, same_gradient) in zip(first_steps, second_steps, strict=True):
        assert loss == pytest.approx(same_loss, rel=1e-5)
        assert torch.allclose(gradient, same_gradient, rtol=1e-3, atol=1e-6)


SHAPES = [(8, 1), (7, 1), (5, 3), (16, 4)]


@pytest.mark.parametrize(("batch", "accumulation"), SHAPES)
@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_losses_and_gradients_are_those_of_host_packed_batches(
    make_context: ContextMaker, kind: str, batch: int, accumulation: int
) -> None:
    """64 rows: 7 and 15 leave a short last update, 15 in a short last batch too."""
    context = make_context(kind)
    request = request_of(
        context, batch_size=batch, accumulation=accumulation, dropout=0.0, label_smoothing=0.1
    )
    trial = Trial(context, request)
    updates = trial.data_order.updates_per_epoch + 1
    expected = gradients_of(trial, updates)
    for runner in (EagerRunner(), GraphRunner(EchoCapture(), no_warning, runs_before_recording=1)):
        static = made_static(context, runner)
        assert_equal(gradients_of(Trial(static, request), updates), expected)
        context.static_backward = None


def no_warning(_level: str, text: str) -> None:
    raise AssertionError(text)


def test_recorded_steps_serve_one_trial_after_the_other(make_context: ContextMaker) -> None:
    capture = EchoCapture()
    context = made_static(make_context(), GraphRunner(capture, no_warning, runs_before_recording=0))
    request = request_of(context, dropout=0.0)
    first = run_through(context, request)
    recorded, cleared = capture.recorded, capture.cleared
    assert recorded > 0
    again = run_through(context, request_of(context, trial=1, dropout=0.0))
    assert capture.recorded == recorded
    assert capture.cleared == cleared
    assert measured_values(again) == measured_values(first)
    assert capture.replayed == 2 * 16


def measured_values(messages: list[Any]) -> list[Any]:
    return [(e.metrics, e.confusion, e.train_loss) for e in of_kind(messages, Evaluated)]


def test_a_whole_trial_ends_like_one_on_host_packed_batches(make_context: ContextMaker) -> None:
    context = make_context(training={"epochs": 3})
    request = request_of(context, dropout=0.0, accumulation=2)
    expected = of_kind(run_through(context, request), Evaluated)
    messages = run_through(made_static(context), request)
    evaluations = of_kind(messages, Evaluated)
    assert [e.train_loss for e in evaluations] == pytest.approx(
        [e.train_loss for e in expected], rel=1e-3
    )
    for evaluation, expected_evaluation in zip(evaluations, expected, strict=True):
        assert evaluation.metrics == pytest.approx(expected_evaluation.metrics, rel=1e-3, abs=1e-6)
        assert evaluation.gradient_norms == pytest.approx(
            expected_evaluation.gradient_norms, rel=1e-2
        )
    assert of_kind(messages, Completed)[0].saved


def test_what_freezes_and_thaws_is_recorded_apart(make_context: ContextMaker) -> None:
    capture = EchoCapture()
    context = made_static(make_context(), GraphRunner(capture, no_warning, runs_before_recording=0))
    all_rates = request_of(context).config.learning_rates
    frozen = all_rates | {"embeddings": None, "lower": None}
    some = {p.name for group in context.groups[:2] for p in group.parameters}
    addresses: dict[str, int] = {}
    for rates in (all_rates, frozen, all_rates):
        trial = Trial(context, request_of(context, learning_rates=rates))
        trial.train_one_update()
        for name, parameter in context.model.named_parameters():
            if rates is frozen and name in some:
                assert parameter.grad is None
            else:
                assert parameter.grad is not None
                address = parameter.grad.data_ptr()
                assert addresses.setdefault(name, address) == address
                assert float(parameter.grad.abs().sum()) == 0.0
    assert (capture.recorded, capture.replayed) == (2, 3)


def test_recordings_are_dropped_when_weights_have_moved(make_context: ContextMaker) -> None:
    capture = EchoCapture()
    context = made_static(make_context(), GraphRunner(capture, no_warning, runs_before_recording=0))
    Trial(context, request_of(context)).train_one_update()
    cleared = capture.cleared
    head: Any = context.model
    head.classifier.bias.data = head.classifier.bias.data.clone()
    Trial(context, request_of(context)).train_one_update()
    assert capture.cleared == cleared + 1
    assert capture.recorded == 2
    context.release_memory()
    assert capture.cleared == cleared + 2
    Trial(context, request_of(context)).train_one_update()


def count(calls: list[str], name: str) -> Step:
    return lambda: calls.append(name)


def test_only_what_comes_often_is_recorded_and_the_least_recent_goes_first() -> None:
    capture, calls = EchoCapture(), list[str]()
    recorder = GraphRunner(capture, no_warning, runs_before_recording=2, most_graphs=2)
    for _ in range(2):
        recorder.run_step("a", count(calls, "a"), count(calls, "warmed up"))
    assert (capture.recorded, calls) == (0, ["a", "a"])
    recorder.run_step("a", count(calls, "a"), count(calls, "warmed up"))
    assert (capture.recorded, calls[2:]) == (1, ["warmed up", "warmed up", "a"])
    for key in "bbbaccc":
        recorder.run_step(key, count(calls, key), count([], ""))
    assert capture.recorded == 3
    recorder.run_step("a", count(calls, "a"), count([], ""))
    assert (capture.recorded, capture.replayed) == (3, 5)
    recorder.run_step("b", count(calls, "b"), count([], ""))
    assert capture.replayed == 5, "the least recent one was dropped"


def test_a_recording_that_fails_is_told_once_and_never_tried_again() -> None:
    class Torn(EchoCapture):
        def capture_step(self, step: Step, warmup: Step) -> Step:
            del step, warmup
            self.recorded += 1
            try:
                raise RuntimeError("called a synchronizing CUDA operation\nat length")
            except RuntimeError:
                raise RuntimeError("capture was invalidated") from None

    capture, calls, notes = Torn(), list[str](), list[tuple[str, str]]()
    recorder = GraphRunner(capture, lambda *note: notes.append(note), runs_before_recording=0)
    for key in "aab":
        recorder.run_step(key, count(calls, key), count(calls, "warmed up"))
    assert calls == ["a", "a", "b"]
    assert (capture.recorded, capture.cleared) == (1, 1)
    reason = "called a synchronizing CUDA operation"
    assert notes == [("warning", f"steps are not recorded as CUDA graphs: {reason}")]


def test_out_of_memory_while_recording_is_out_of_memory_of_the_step() -> None:
    """The trial goes on with smaller micro-batches, and those are recorded."""

    class Full(EchoCapture):
        def capture_step(self, step: Step, warmup: Step) -> Step:
            if not self.recorded:
                self.recorded += 1
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return super().capture_step(step, warmup)

    recorder, calls = GraphRunner(Full(), no_warning, runs_before_recording=0), list[str]()
    with pytest.raises(RuntimeError, match="out of memory"):
        recorder.run_step("large", count(calls, "large"), count(calls, "warmed up"))
    recorder.run_step("small", count(calls, "small"), count([], ""))
    assert calls == ["small"]


class BrokenWarmup(EchoCapture):
    """Fails in the warm-up, as where a step waits for the device."""

    is_warming_up = False

    def capture_step(self, step: Step, warmup: Step) -> Step:
        self.is_warming_up = True
        try:
            warmup()
        finally:
            self.is_warming_up = False
        return step


def test_a_warmup_that_fails_leaves_the_step_its_weight(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    request = request_of(context, dropout=0.0)
    expected = gradients_of(Trial(made_static(context), request), 2)
    capture, warnings, build = BrokenWarmup(), list[str](), StaticLayout.build_micro_batch

    def waiting(self: StaticLayout, rows: torch.Tensor, packed_length: int) -> Any:
        if capture.is_warming_up:
            raise RuntimeError("called a synchronizing CUDA operation")
        return build(self, rows, packed_length)

    runner = GraphRunner(capture, lambda _level, text: warnings.append(text), 0)
    made_static(context, runner)
    monkeypatch.setattr(StaticLayout, "build_micro_batch", waiting)
    assert_equal(gradients_of(Trial(context, request), 2), expected)
    assert len(warnings) == 1


def test_steps_with_gradient_checkpointing_are_not_recorded(make_context: ContextMaker) -> None:
    capture = EchoCapture()
    context = made_static(make_context(), GraphRunner(capture, no_warning, runs_before_recording=0))
    trial = Trial(context, request_of(context))
    context.apply_memory_plan(MemoryPlan(2, checkpointing=True))
    trial._begin_backward()
    trial.train_one_update()
    assert capture.recorded == 0
    Trial(context, request_of(context)).train_one_update()
    assert capture.recorded == 1


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_backward_never_waits_for_the_device(make_context: ContextMaker, kind: str) -> None:
    context = made_static(make_context(kind))
    trial = Trial(context, request_of(context, dropout=0.0))
    order, start, end = trial.data_order.slice_of_update(0)
    with NoWaiting():  # type: ignore[no-untyped-call]
        trial.backward.accumulate_gradients(order, start, end)
        trial.backward.clear_gradients()


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_rates_on_the_device_are_those_of_the_schedule(
    make_context: ContextMaker, monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    context = make_context(training={"schedule": schedule})
    request = request_of(context, dropout=0.0)
    outcomes: list[dict[str, torch.Tensor]] = []
    for resident in (set[str](), {"cpu"}):
        monkeypatch.setattr(optimizer_module, "_RESIDENT", resident)
        trial = Trial(context, request)
        for update in range(6):
            trial.train_one_update()
            rate_by_group = trial.lr_scheduler.rates_by_group(update)
            for part in trial.optimizer.param_groups:
                assert isinstance(part["lr"], torch.Tensor) == bool(resident)
                assert float(part["lr"]) == pytest.approx(rate_by_group[part["name"]], rel=1e-6)
        outcomes.append({n: p.detach().clone() for n, p in trial._trained.items()})
    for name, parameter in outcomes[0].items():
        assert torch.allclose(parameter, outcomes[1][name], rtol=1e-4, atol=1e-6)


# --- on a GPU

ContextOnGpu = Callable[..., TrainerContext]


@pytest.fixture
def gpu_context(make_recipe: RecipeMaker, tmp_path: Path) -> ContextOnGpu:
    """Make a context on CUDA; `told` collects what goes to the log."""

    def make(
        kind: str = "bert", log_texts: list[str] | None = None, graphs: bool = True, **sections: Any
    ) -> TrainerContext:
        recipe = make_recipe(kind, **sections)
        setup = Setup(session=str(tmp_path / "gpu"), recipe=recipe, device="cuda", threads=1)
        notes = [] if log_texts is None else log_texts
        return TrainerContext(
            setup, lambda _level, text: notes.append(text), Techniques(graphs=graphs)
        )

    return make


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_graphs_give_the_losses_of_eager_steps(
    gpu_context: ContextOnGpu, kind: str, precision: str
) -> None:
    """With dropout: a replay draws the random numbers that an eager step draws."""
    losses = []
    for graphs in (False, True):
        log_texts: list[str] = []
        training = {"precision": precision, "epochs": 6}
        context = gpu_context(kind, log_texts, graphs, training=training)
        assert isinstance(context.train_layout, StaticLayout), context.notes
        messages = run_through(context, request_of(context))
        losses.append([e.train_loss for e in of_kind(messages, Evaluated)])
        assert not log_texts
    difference = max(abs(a / b - 1) for a, b in zip(*losses, strict=True))
    print_measured(f"{kind} in {precision}: losses of recorded steps off by {difference:.1e}")
    assert difference < (1e-3 if precision == "fp32" else 2e-2)


@pytest.mark.cuda
def test_a_trial_on_a_gpu_repeats_itself_whatever_was_recorded_before(
    gpu_context: ContextOnGpu,
) -> None:
    context = gpu_context(training={"epochs": 6})
    first = run_through(context, request_of(context, trial=0))
    run_through(context, request_of(context, trial=1, seed=77, dropout=0.5, batch_size=5))
    again = run_through(context, request_of(context, trial=2))
    pairs = zip(measured_values(first), measured_values(again), strict=True)
    difference = max(abs(one[2] / other[2] - 1) for one, other in pairs)
    print_measured(f"a trial repeated after another: losses off by {difference:.1e}")
    assert difference < 1e-3
    other_seed = run_through(context, request_of(context, trial=3, seed=5))
    assert measured_values(other_seed) != measured_values(first)


@pytest.mark.cuda
@pytest.mark.parametrize("graphs", [False, True])
def test_an_update_on_a_gpu_never_waits(gpu_context: ContextOnGpu, graphs: bool) -> None:
    log_texts: list[str] = []
    context = gpu_context("bert", log_texts, graphs, training={"epochs": 8})
    trial = Trial(context, request_of(context, accumulation=2))
    trial.train_one_update()
    torch.cuda.set_sync_debug_mode("error")
    try:
        while trial.step < trial.total_updates:
            trial.train_one_update()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert not log_texts
    progress = trial.progress_message()
    how = "recorded" if graphs else "eager"
    print_measured(f"tiny BERT, {how} steps: {progress.examples_per_second:.0f} examples/s")
    assert np.isfinite(progress.loss)


@pytest.mark.cuda
def test_a_step_that_cannot_be_recorded_runs_all_the_same(
    gpu_context: ContextOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_texts: list[str] = []
    context = gpu_context("bert", log_texts, training={"epochs": 6})
    build = StaticLayout.build_micro_batch

    def waiting(self: StaticLayout, rows: torch.Tensor, packed_length: int) -> Any:
        assert int(rows[0]) >= 0
        return build(self, rows, packed_length)

    monkeypatch.setattr(StaticLayout, "build_micro_batch", waiting)
    messages = run_through(context, request_of(context))
    assert of_kind(messages, Completed)
    assert len([text for text in log_texts if "not recorded" in text]) == 1
    assert not of_kind(messages, Progress) or np.isfinite(of_kind(messages, Progress)[0].loss)


@pytest.mark.cuda
def test_a_capture_that_breaks_leaves_a_trainer_that_trains_and_releases_memory(
    gpu_context: ContextOnGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits in the capture alone: what the warm-up cannot find."""
    log_texts: list[str] = []
    context = gpu_context("bert", log_texts, training={"epochs": 6})
    build = StaticLayout.build_micro_batch

    def waiting(self: StaticLayout, rows: torch.Tensor, packed_length: int) -> Any:
        if torch.cuda.is_current_stream_capturing():
            rows.tolist()
        return build(self, rows, packed_length)

    monkeypatch.setattr(StaticLayout, "build_micro_batch", waiting)
    assert of_kind(run_through(context, request_of(context)), Completed)
    assert len([text for text in log_texts if "not recorded" in text]) == 1
    ballast = torch.empty(256 << 20, dtype=torch.uint8, device="cuda")
    del ballast
    before = torch.cuda.memory_reserved()
    context.release_memory()
    after = torch.cuda.memory_reserved()
    print_measured(
        f"after a broken capture: {before >> 20} MiB reserved, {after >> 20} once released"
    )
    assert of_kind(run_through(context, request_of(context, trial=1)), Completed)

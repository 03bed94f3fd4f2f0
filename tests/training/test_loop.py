"""Training as such: which parameters move, at which rates, and what is told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

from tests.training.conftest import (
    KINDS,
    ContextMaker,
    config_of,
    of_kind,
    request_of,
    run_through,
)
from tuner.pool.protocol import (
    Completed,
    Evaluated,
    Finish,
    Go,
    Pause,
    Paused,
    Progress,
    Prune,
    Reply,
    Started,
    Stopped,
    Train,
)
from tuner.recipe.load import recipe_to_dict
from tuner.results.collapse import only_predicted_label
from tuner.training.describe import answer_describe_request
from tuner.training.failure_causes import NotANumber
from tuner.training.loop import Decision, train_trial
from tuner.training.optimizer import check_partition, undecayed_names
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Trial


@pytest.mark.parametrize("kind", KINDS)
def test_trains_every_kind_of_model_and_reports_it(make_context: ContextMaker, kind: str) -> None:
    context = make_context(kind)
    check_partition(context.model, context.groups)
    ready = context.ready_message()
    assert ready.rows == {"train": 64, "validation": 30}
    assert ready.labels == ["no", "yes"]
    assert sum(ready.groups.values()) == ready.parameters
    assert ready.model == answer_describe_request({"recipe": recipe_to_dict(context.recipe)})

    messages = run_through(context, request_of(context))

    assert messages[0] == Started(trial=0, step=0, of=16)
    first, second = of_kind(messages, Evaluated)
    assert (first.epoch, first.share, first.step) == (1.0, 0.5, 8)
    assert (second.epoch, second.share, second.step) == (2.0, 1.0, 16)
    assert set(first.metrics) == {"loss", "accuracy", "f1_macro", "mcc", "f1.no", "f1.yes"}
    assert sum(map(sum, first.confusion)) == 30
    assert set(first.gradient_norms) == {"embeddings", "lower", "upper", "rest"}
    assert all(norm > 0 for norm in first.gradient_norms.values())
    completed = messages[-1]
    assert isinstance(completed, Completed)
    assert completed.saved
    assert completed.memory > 0


def test_the_loss_falls_and_the_task_is_learned(make_context: ContextMaker) -> None:
    context = make_context(training={"epochs": 12, "warmup": 0.1})
    rates = {"embeddings": 5e-3, "lower": 5e-3, "upper": 5e-3, "rest": 5e-3}
    messages = run_through(context, request_of(context, learning_rates=rates))
    evaluations = of_kind(messages, Evaluated)
    assert evaluations[-1].train_loss < 0.5 * evaluations[0].train_loss
    assert max(evaluation.metrics["accuracy"] for evaluation in evaluations) > 0.8


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_every_parameter_has_at_every_step_the_rate_that_was_asked_for(
    make_context: ContextMaker, schedule: str
) -> None:
    context = make_context(training={"schedule": schedule, "epochs": 2})
    request = request_of(context)
    trial = Trial(context, request)
    rates_by_update: list[dict[int, float]] = []
    step = trial.optimizer.step

    def spying_step(*args: Any, **kwargs: Any) -> Any:
        parts = trial.optimizer.param_groups
        rates_by_update.append({id(p): part["lr"] for part in parts for p in part["params"]})
        return step(*args, **kwargs)

    trial.optimizer.step = spying_step  # type: ignore[method-assign]
    while trial.step < trial.total_updates:
        trial.train_one_update()

    expected = _factors_of_transformers(schedule, trial.total_updates)
    parameters = dict(context.model.named_parameters())
    assert len(rates_by_update) == trial.total_updates == 16
    for update, by_parameter in enumerate(rates_by_update):
        assert len(by_parameter) == len(parameters)
        for group in context.groups:
            requested_rate = request.config.learning_rates[group.spec.name]
            assert requested_rate is not None
            for parameter in group.parameters:
                applied = by_parameter[id(parameters[parameter.name])]
                assert applied == pytest.approx(requested_rate * expected[update], rel=1e-12)


def _factors_of_transformers(schedule: str, updates: int) -> list[float]:
    """Return the factors of the library's own schedules, a quarter of the updates as warmup."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warmup = updates // 4
    if schedule == "constant":
        scheduler = get_constant_schedule_with_warmup(optimizer, warmup)
    elif schedule == "linear":
        scheduler = get_linear_schedule_with_warmup(optimizer, warmup, updates)
    else:
        scheduler = get_cosine_schedule_with_warmup(optimizer, warmup, updates)
    factors = []
    for _ in range(updates):
        factors.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return factors


def test_parameters_move_as_much_as_their_rate_says(make_context: ContextMaker) -> None:
    """AdamW's first update moves each element by the rate: read it from the weights themselves."""
    context = make_context(training={"schedule": "constant", "warmup": 0.0, "max_grad_norm": 1e9})
    rates = {"embeddings": 0.0, "lower": None, "upper": 1e-3, "rest": 1e-2}
    zero = dict.fromkeys(rates, 0.0)
    trial = Trial(
        context, request_of(context, learning_rates=rates, weight_decays=zero, adam_epsilon=1e-20)
    )
    before = {name: p.detach().clone() for name, p in context.model.named_parameters()}
    trial.train_one_update()
    for group in context.groups:
        rate = rates[group.spec.name] or 0.0
        for parameter in group.parameters:
            moved = context.model.get_parameter(parameter.name).detach() - before[parameter.name]
            assert float(moved.abs().max()) == pytest.approx(rate, rel=0.02, abs=1e-9)


def test_layers_of_a_decaying_group_move_less_and_less(make_context: ContextMaker) -> None:
    groups = [
        {"name": "body", "part": ["embeddings", "layers"], "lr": 1e-2, "layer_decay": 0.5},
        {"name": "rest", "rest": True, "lr": {"like": "body", "times": 3.0}},
    ]
    steady = {"schedule": "constant", "warmup": 0.0, "max_grad_norm": 1e9, "adam_epsilon": 1e-20}
    context = make_context(training=steady, groups=groups)
    trial = Trial(context, request_of(context))
    before = {name: p.detach().clone() for name, p in context.model.named_parameters()}
    trial.train_one_update()

    def parameter_change(name: str) -> float:
        return float((context.model.get_parameter(name).detach() - before[name]).abs().max())

    assert parameter_change("bert.encoder.layer.1.output.dense.weight") == pytest.approx(
        1e-2, rel=0.02
    )
    assert parameter_change("bert.encoder.layer.0.output.dense.weight") == pytest.approx(
        5e-3, rel=0.02
    )
    assert parameter_change("bert.embeddings.LayerNorm.weight") == pytest.approx(2.5e-3, rel=0.02)
    assert parameter_change("classifier.weight") == pytest.approx(3e-2, rel=0.02)
    assert trial.lr_scheduler.rates_by_group(0) == {"body": 1e-2, "rest": pytest.approx(3e-2)}


def test_weight_decay_spares_norms_and_biases(make_context: ContextMaker) -> None:
    context = make_context()
    decays = {"embeddings": 0.0, "lower": 0.0, "upper": 0.1, "rest": 0.0}
    trial = Trial(context, request_of(context, weight_decays=decays))
    spared = undecayed_names(context.model)
    names = {id(p): name for name, p in context.model.named_parameters()}
    assert all(name in spared for name in names.values() if name.endswith("bias"))
    assert "bert.encoder.layer.1.output.LayerNorm.weight" in spared
    assert "bert.encoder.layer.1.output.dense.weight" not in spared
    for part in trial.optimizer.param_groups:
        for parameter in part["params"]:
            upper = part["name"] == "upper" and names[id(parameter)] not in spared
            assert part["weight_decay"] == (0.1 if upper else 0.0)


def test_a_frozen_group_does_not_move_and_thaws_in_the_next_trial(
    make_context: ContextMaker,
) -> None:
    context = make_context()
    before = {name: p.detach().clone() for name, p in context.model.named_parameters()}
    rates = config_of(context).learning_rates | {"embeddings": None, "lower": None}
    messages = run_through(context, request_of(context, learning_rates=rates))
    after = dict(context.model.named_parameters())
    frozen = {p.name for group in context.groups[:2] for p in group.parameters}
    assert {name for name in after if torch.equal(after[name], before[name])} == frozen
    assert set(of_kind(messages, Evaluated)[0].gradient_norms) == {"upper", "rest"}

    run_through(context, request_of(context, trial=1))
    assert not any(torch.equal(after[name], before[name]) for name in frozen)


def test_a_trial_repeats_itself_whatever_ran_before(make_context: ContextMaker) -> None:
    context = make_context()
    first = run_through(context, request_of(context, trial=0))
    run_through(context, request_of(context, trial=1, seed=77, dropout=0.5))
    again = run_through(context, request_of(context, trial=2))
    assert _measured_values(again) == _measured_values(first)
    other_messages = run_through(context, request_of(context, trial=3, seed=5))
    assert _measured_values(other_messages) != _measured_values(first)


def _measured_values(messages: list[Reply]) -> list[Any]:
    return [(e.metrics, e.confusion, e.train_loss) for e in of_kind(messages, Evaluated)]


def test_the_head_comes_from_the_seed_and_the_body_from_the_checkpoint(
    make_context: ContextMaker, models: Any
) -> None:
    from safetensors.torch import load_file

    context = make_context("electra")
    body = load_file(models("electra") / "model.safetensors")
    heads = []
    for seed in (1, 2, 1):
        Trial(context, request_of(context, seed=seed)).train_one_update()
        context.restart_for_trial(config_of(context, seed=seed))
        assert context.vocabulary is not None
        with context.vocabulary.whole_embedding(1.0):
            state = context.model.state_dict()
        assert all(torch.equal(state[f"electra.{name}"], tensor) for name, tensor in body.items())
        heads.append(state["classifier.dense.weight"].clone())
        assert float(state["classifier.dense.bias"].abs().max()) == 0.0
    assert torch.equal(heads[0], heads[2])
    assert not torch.equal(heads[0], heads[1])
    assert 0.01 < float(heads[0].std()) < 0.03


def test_dropout_is_set_everywhere_and_put_back(make_context: ContextMaker) -> None:
    context = make_context("distilbert")
    modules = [module for module in context.model.modules() if isinstance(module, torch.nn.Dropout)]
    original_dropouts = [module.p for module in modules]
    context.restart_for_trial(config_of(context, dropout=0.37))
    assert {module.p for module in modules} == {0.37}
    context.restart_for_trial(config_of(context))
    assert [module.p for module in modules] == original_dropouts


def test_accumulation_makes_the_same_update_as_one_large_batch(make_context: ContextMaker) -> None:
    context = make_context()
    losses = []
    for batch, accumulation in ((16, 1), (4, 4)):
        request = request_of(context, batch_size=batch, accumulation=accumulation, dropout=0.0)
        evaluation = of_kind(run_through(context, request), Evaluated)[-1]
        losses.append((evaluation.train_loss, evaluation.metrics["loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_evaluates_several_times_an_epoch(make_context: ContextMaker) -> None:
    context = make_context(training={"evaluations_per_epoch": 3})
    evaluations = of_kind(run_through(context, request_of(context)), Evaluated)
    assert [evaluation.step for evaluation in evaluations] == [3, 6, 8, 11, 14, 16]


def test_keeps_the_best_evaluation_and_saves_exactly_its_model(make_context: ContextMaker) -> None:
    context = make_context(training={"epochs": 6})
    rates = dict.fromkeys(config_of(context).learning_rates, 2e-2)
    # The highest loss is an early one, so that the kept weights are not the last ones.
    request = request_of(context, learning_rates=rates, metric="loss", direction="maximize")
    messages = run_through(context, request)
    evaluations = of_kind(messages, Evaluated)
    losses = [evaluation.metrics["loss"] for evaluation in evaluations]
    several = [only_predicted_label(evaluation.confusion) is None for evaluation in evaluations]
    assert not all(several), "the test wants an evaluation with one label, which is not kept"
    best = int(np.argmax(np.where(several, losses, -np.inf)))
    assert best < len(losses) - 1, "the test wants a best evaluation before the last"
    completed = messages[-1]
    assert isinstance(completed, Completed)
    assert (completed.value, completed.step) == (losses[best], evaluations[best].step)

    folder = context.session / "trials" / "0000"
    model = AutoModelForSequenceClassification.from_pretrained(folder / "model").eval()
    assert model.config.id2label == {0: "no", 1: "yes"}
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    stored_predictions = np.load(folder / f"predictions-{best}.npz", allow_pickle=False)
    texts = _validation_texts(context)
    with torch.inference_mode():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    probabilities = torch.softmax(logits, -1).numpy()
    assert np.allclose(probabilities, stored_predictions["probabilities"], atol=1e-3)
    assert stored_predictions["rows"].tolist() == list(range(30))
    assert np.bincount(stored_predictions["predicted"], minlength=2).tolist() == [
        sum(column) for column in zip(*evaluations[best].confusion, strict=True)
    ]


def test_a_model_that_tells_labels_apart_is_saved_where_the_best_does_not(
    make_context: ContextMaker,
) -> None:
    context = make_context()
    rates = dict.fromkeys(config_of(context).learning_rates, 2e-2)
    request = request_of(context, best_value=1.0, epochs=4, learning_rates=rates)
    lopsided = msgspec.structs.replace(request, best_one_label=True)
    for train_request, saves in ((request, False), (lopsided, True)):
        messages = run_through(context, train_request)
        assert any(only_predicted_label(e.confusion) is None for e in of_kind(messages, Evaluated))
        (completed,) = of_kind(messages, Completed)
        assert completed.saved is saves


def test_evaluations_tell_what_guessing_loses_on_the_same_rows(make_context: ContextMaker) -> None:
    context = make_context()
    still = dict.fromkeys(config_of(context).learning_rates, 0.0)
    evaluations = of_kind(
        run_through(context, request_of(context, learning_rates=still)), Evaluated
    )
    # 64 rows, half of each label, in 8 updates an epoch; and a model that stays as it is.
    assert [evaluation.updates for evaluation in evaluations] == [8, 8]
    assert [evaluation.guess_loss for evaluation in evaluations] == pytest.approx([math.log(2)] * 2)
    assert all(0 < evaluation.loss_spread < 0.2 for evaluation in evaluations)
    information = [evaluation.row_information for evaluation in evaluations]
    assert information[0] == information[1]
    assert information[0] is not None
    assert 0 < information[0] < 0.1


def _validation_texts(context: Any) -> list[str]:
    import json

    lines = Path(context.recipe.data.validation).read_text().splitlines()
    return [json.loads(line)["text"] for line in lines]


def test_a_worse_trial_saves_no_model_and_the_last_can_be_kept(make_context: ContextMaker) -> None:
    context = make_context()
    messages = run_through(context, request_of(context, best_value=2.0, keep="last"))
    completed = messages[-1]
    assert isinstance(completed, Completed)
    assert not completed.saved
    assert completed.step == 16
    assert not (context.session / "trials" / "0000" / "model").exists()


def test_prune_ends_the_trial_after_an_evaluation(make_context: ContextMaker) -> None:
    context = make_context()

    def prune(message: Reply) -> Prune | None:
        return Prune(trial=0) if isinstance(message, Evaluated) else None

    messages = run_through(context, request_of(context), prune)
    assert len(of_kind(messages, Evaluated)) == 1
    assert isinstance(messages[-1], Stopped)


def test_progress_comes_at_most_twice_a_second(make_context: ContextMaker) -> None:
    from tuner.training.loop import train_trial

    context = make_context()
    now = [0.0]

    def clock() -> float:
        now[0] += 0.05
        return now[0]

    messages = []
    conversation = train_trial(context, request_of(context), clock)
    times = []
    for message in conversation:
        if isinstance(message, Progress):
            times.append(now[0])
            messages.append(message)
    assert len(messages) >= 2
    assert min(b - a for a, b in pairwise(times)) >= 0.45
    assert messages[0].examples_per_second > 0
    assert set(messages[0].learning_rates) == {"embeddings", "lower", "upper", "rest"}


def test_a_huge_rate_ends_as_not_a_number(make_context: ContextMaker) -> None:
    context = make_context()
    rates = dict.fromkeys(config_of(context).learning_rates, 1e30)
    with pytest.raises(NotANumber, match="at step"):
        run_through(context, request_of(context, learning_rates=rates))
    assert of_kind(run_through(context, request_of(context, trial=1)), Completed)


@pytest.fixture
def any_kernel() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("any_kernel")
def test_deterministic_kernels_give_what_a_cpu_gives_anyway(make_context: ContextMaker) -> None:
    plain = make_context("bert")
    expected = _measured_values(run_through(plain, request_of(plain)))
    assert not torch.are_deterministic_algorithms_enabled()
    context = make_context("bert", training={"deterministic": True})
    assert torch.are_deterministic_algorithms_enabled()
    assert _measured_values(run_through(context, request_of(context))) == expected


def decide_at(
    context: TrainerContext, request: Train, step: int, decision: Decision
) -> list[Reply]:
    """Return the messages of a trial decided on after yield number `step`; 0 is `Started`."""
    conversation = train_trial(context, request)
    messages: list[Reply] = []
    answer: Decision = None
    for number in range(100):
        try:
            message = conversation.send(answer)
        except StopIteration:
            break
        messages += [message] if message is not None else []
        answer = Go(trial=0) if isinstance(message, Evaluated) else None
        answer = decision if number == step else answer
    return messages


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize(("asked_at", "steps"), [(0, [1]), (3, [3]), (8, [8]), (11, [8, 11])])
def test_a_trial_that_is_to_finish_evaluates_and_ends_with_what_it_has(
    make_context: ContextMaker, keep: str, asked_at: int, steps: list[int]
) -> None:
    context = make_context()
    request = request_of(context, keep=keep)
    messages = decide_at(context, request, asked_at, Finish(trial=0))
    evaluations = of_kind(messages, Evaluated)
    assert [evaluation.step for evaluation in evaluations] == steps
    completed = messages[-1]
    assert isinstance(completed, Completed)
    kept_evaluation = next(
        evaluation for evaluation in evaluations if evaluation.step == completed.step
    )
    assert completed.value == kept_evaluation.metrics["accuracy"]
    assert completed.saved
    if keep == "last":
        assert completed.step == steps[-1]
    saved = AutoModelForSequenceClassification.from_pretrained(
        context.session / "trials" / "0000" / "model"
    )
    if completed.step == steps[-1]:
        trained = context.model.state_dict()
        names = [name for name in saved.state_dict() if name in trained]
        assert names
        assert all(
            torch.equal(saved.state_dict()[name], trained[name])
            for name in names
            if saved.state_dict()[name].shape == trained[name].shape
        )


@pytest.mark.parametrize("asked_at", [0, 5])
def test_a_pause_is_heard_after_every_message(make_context: ContextMaker, asked_at: int) -> None:
    context = make_context()
    (*_, last) = decide_at(context, request_of(context), asked_at, Pause())
    assert last == Paused(trial=0, step=asked_at)
    whole = run_through(context, request_of(context))
    other_messages = run_through(context, request_of(context, trial=1))
    assert [e.metrics for e in of_kind(whole, Evaluated)] == [
        e.metrics for e in of_kind(other_messages, Evaluated)
    ]

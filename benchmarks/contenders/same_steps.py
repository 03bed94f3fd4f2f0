"""The same steps twice, dropout off: tuner's trainer, and a plain loop with padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contenders.tuner_context import open_context, trial_on
from kit import child
from kit.work import Work, read_rows

_WARM_UP = 0.06
_MAX_NORM = 1.0


def main() -> None:
    """Losses of every step on both sides, and how far the weights have come apart."""
    work = Work.from_command_line()
    context = open_context(work, dropout=0.0, warmup=_WARM_UP)
    trial = trial_on(context, 0, work)
    start, ours = Path(work.scratch) / "start", Path(work.scratch) / "ours"
    context.save_pretrained(start)
    child.wait_for_start()
    tuner_losses = []
    for _ in range(work.step_count):
        trial.train_one_update()
        tuner_losses.append(trial.progress_message().loss)
    context.save_pretrained(ours)
    losses, weights = plain_losses(work, start, trial.total_updates)
    child.send_answer(
        {"tuner": tuner_losses, "plain": losses, "apart": relative_distance(start, ours, weights)}
    )


def plain_losses(work: Work, start: Path, updates: int) -> tuple[list[float], dict[str, Any]]:
    """Pad, forward, backward, clip, step, schedule: with transformers and torch alone."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        get_linear_schedule_with_warmup,
    )

    tokenizer = AutoTokenizer.from_pretrained(work.model)
    model = AutoModelForSequenceClassification.from_pretrained(
        start, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, dtype=torch.float32
    )
    model.to(work.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=work.rate, eps=1e-8, weight_decay=0.0)
    climbing = -int(-_WARM_UP * updates // 1)
    schedule = get_linear_schedule_with_warmup(optimizer, climbing, updates)
    all_rows, losses = read_rows(work.train), []
    number = model.config.label2id
    for step in range(work.step_count):
        picked = work.rows[step * work.batch_size : (step + 1) * work.batch_size]
        rows = [all_rows[row] for row in picked]
        names = ("text", "second") if work.pair else ("text",)
        batch = tokenizer(
            *([row[name] for row in rows] for name in names),
            truncation=True,
            max_length=work.max_length,
            padding=True,
            return_tensors="pt",
        ).to(work.device)
        labels = torch.tensor([number[row["label"]] for row in rows], device=work.device)
        loss = torch.nn.functional.cross_entropy(model(**batch).logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
    return losses, {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}


def relative_distance(start: Path, ours: Path, theirs: dict[str, Any]) -> float:
    """Return the norm of the difference between both ends, over the norm of the way to them."""
    from safetensors.torch import load_file

    before, after = load_file(start / "model.safetensors"), load_file(ours / "model.safetensors")
    difference = sum(float((after[n] - theirs[n]).double().square().sum()) for n in after)
    way = sum(float((before[n] - theirs[n]).double().square().sum()) for n in after)
    return float((difference / way) ** 0.5)


if __name__ == "__main__":
    main()

"""Steps of Hugging Face's Trainer; `how` is "plain", "grouped" or "best"."""

from __future__ import annotations

from typing import Any

from contenders.hugging_face import Bundle
from contenders.stopwatch import Stopwatch
from kit import child
from kit.work import Work

_GROUPED = {"train_sampling_strategy": "group_by_length"}
_DOCUMENTED = {**_GROUPED, "optim": "adamw_torch_fused", "logging_nan_inf_filter": False}
_DOCUMENTED_ON_CUDA = {
    **_DOCUMENTED,
    "tf32": True,
    "dataloader_num_workers": 4,
    "dataloader_pin_memory": True,
    "dataloader_persistent_workers": True,
}


def main() -> None:
    """Warm up, wait for the others, train the rows once."""
    work = Work.from_command_line()
    bundle = Bundle(work)
    training_options, model_options = variant_options(work)
    model = bundle.load_model(**model_options)
    watch = Stopwatch(work.device)
    watch.watch_model(model)

    def train_rows(numbers: list[int]) -> None:
        rows = [bundle.train[number] for number in numbers]
        bundle.make_trainer(bundle.training_arguments(**training_options), rows, model).train()

    train_rows(work.warm_up_rows)
    child.wait_for_start()
    watch.arm_for_steps(work.step_count)
    train_rows(work.rows)
    child.send_answer(watch.as_answer())


def variant_options(work: Work) -> tuple[dict[str, Any], dict[str, Any]]:
    """Training arguments and model options of a variant.

    Plain takes the rows as they were drawn, and so the same batches as tuner; the others group the
    same rows by length themselves.
    """
    if work.how == "plain":
        return {"train_sampling_strategy": "sequential"}, {}
    if work.how == "grouped":
        return dict(_GROUPED), {}
    best = _DOCUMENTED_ON_CUDA if work.device == "cuda" else _DOCUMENTED
    return dict(best), {"attn_implementation": "sdpa"}


if __name__ == "__main__":
    main()

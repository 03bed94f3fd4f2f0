"""Hugging Face's Trainer as its users write it, on the work that a benchmark asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from kit.work import Work, read_rows


class Bundle:
    """A task for the Trainer: tokenizer, encoded rows, collator, and models on request."""

    def __init__(self, work: Work) -> None:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self.work = work
        self.tokenizer = AutoTokenizer.from_pretrained(work.model)
        self.train = self.encode_rows(work.train)
        self.collator = DataCollatorWithPadding(self.tokenizer)

    def encode_rows(self, path: str | Path) -> list[dict[str, Any]]:
        """Tokenize a prepared file's rows, once and without padding."""
        rows = read_rows(path)
        names = ("text", "second") if self.work.pair else ("text",)
        columns = [[row[name] for row in rows] for name in names]
        encodings = self.tokenizer(*columns, truncation=True, max_length=self.work.max_length)
        number = {label: index for index, label in enumerate(self.work.labels)}
        return [
            {key: values[index] for key, values in encodings.items()}
            | {"labels": number[row["label"]]}
            for index, row in enumerate(rows)
        ]

    def load_model(self, **options: Any) -> Any:
        """Load the pretrained encoder with a fresh head."""
        return AutoModelForSequenceClassification.from_pretrained(
            self.work.model, num_labels=len(self.work.labels), dtype=torch.float32, **options
        )

    def training_arguments(self, **more: Any) -> TrainingArguments:
        """Batch size, rate and device as everybody has them; nothing is saved or reported."""
        cuda = self.work.device == "cuda"
        settings = {
            "output_dir": str(Path(self.work.scratch) / "trainer"),
            "per_device_train_batch_size": self.work.batch_size,
            "learning_rate": self.work.rate,
            "num_train_epochs": self.work.epochs,
            "save_strategy": "no",
            "report_to": [],
            "disable_tqdm": True,
            "use_cpu": not cuda,
            "bf16": cuda or self.work.precision == "bf16",
        }
        return TrainingArguments(**settings | more)

    def make_trainer(
        self,
        arguments: TrainingArguments,
        rows: Sequence[dict[str, Any]],
        model: Any = None,
        **more: Any,
    ) -> Any:
        """Make a Trainer with dynamic padding."""
        return Trainer(
            model=model,
            args=arguments,
            train_dataset=list(rows),
            data_collator=self.collator,
            processing_class=self.tokenizer,
            **more,
        )


def compute_accuracy(predicted: Any) -> dict[str, float]:
    """compute_metrics: the share of rows that are right."""
    right = predicted.predictions.argmax(-1) == predicted.label_ids
    return {"accuracy": float(right.mean())}

"""Scoring a split: logits, loss, metrics, and every row's prediction on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from tuner.results.metrics import compute_metrics, confusion_matrix
from tuner.training.batches import Indices, Layout, cuts_within_budget
from tuner.training.failure_causes import NotANumber
from tuner.training.files import atomic_file_write
from tuner.training.tokens import TokenizedSplit

# Padded tokens of a batch: evaluation keeps no activations, so batches may be far larger than in
# training. Enough to fill the device, small enough to fit beside the trainer's tensors.
_BUDGET = {"cpu": 4_096, "cuda": 65_536, "mps": 16_384}


@dataclass(frozen=True, slots=True)
class Scores:
    """A split, scored. logits: rows × classes, float32, in the split's order."""

    metrics: dict[str, float]
    confusion: list[list[int]]
    logits: npt.NDArray[np.float32]
    gold: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    @property
    def predicted_classes(self) -> npt.NDArray[np.int64]:
        """Return the class number with the highest score, the first of equal ones."""
        return np.asarray(np.argmax(self.logits, axis=1), dtype=np.int64)

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Return the softmax of the logits."""
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    @property
    def row_information(self) -> float:
        """Return how much a prediction depends on its row, in nats.

        The mean KL divergence of the rows' probabilities from their mean (the mutual information of
        row and prediction); 0 for a model that predicts the same for all rows.
        """
        logits = self.logits.astype(np.float64)
        logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        # The mean of the probabilities, computed in logs: confident models have some near 1e-30.
        mean = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return max(0.0, float((np.exp(logs) * (logs - mean)).sum(axis=1).mean()))


def score_split(
    model: nn.Module,
    layout: Layout,
    split: TokenizedSplit,
    labels: Sequence[str],
    device: torch.device,
    autocast: Any,
) -> Scores:
    """Predict every row of a split. NotANumber for an infinite loss; ends in training mode."""
    all_rows = np.arange(len(split))
    logits = predict_logits(model, layout, split.lengths, all_rows, len(labels), device, autocast)
    gold = torch.from_numpy(np.array(split.labels))
    # Double, so that the loss does not depend on the order in which rows were batched.
    loss = float(functional.cross_entropy(logits.double(), gold))
    if not np.isfinite(loss):
        raise NotANumber(f"the validation loss is {loss}")
    scores = logits.numpy()
    confusion = confusion_matrix(gold.tolist(), np.argmax(scores, axis=1).tolist(), len(labels))
    return Scores(
        metrics={"loss": loss} | compute_metrics(confusion, labels),
        confusion=confusion,
        logits=scores,
        gold=np.array(split.labels),
        rows=np.array(split.rows),
    )


def predict_logits(
    model: nn.Module,
    layout: Layout,
    lengths: Indices,
    rows: Indices,
    classes: int,
    device: torch.device,
    autocast: Any,
) -> torch.Tensor:
    """Predict these rows in long batches of about equal length; return logits on the CPU.

    `lengths` are those of all rows of the layout. Ends in training mode.
    """
    logits = torch.empty(len(rows), classes)
    order = np.argsort(lengths[rows], kind="stable")
    model.eval()
    with torch.inference_mode(), autocast():
        row_places, scores = [], []
        budget = _BUDGET.get(device.type, 4_096)
        for start, end in cuts_within_budget(lengths[rows][order], budget):
            places = order[start:end]
            for positions, micro_batch in layout.iter_micro_batches(rows[places], overhead=1 << 40):
                row_places.append(places[positions])
                scores.append(micro_batch.compute_logits(model).float())
        # One copy at the end: fetching each batch would wait for the device each time.
        logits[torch.from_numpy(np.concatenate(row_places))] = torch.cat(scores).cpu()
    model.train()
    return logits


def save_predictions(path: Path, scores: Scores) -> None:
    """Write rows, gold, predicted (int32) and probabilities (float16) as .npz, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic_file_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            rows=scores.rows.astype(np.int32),
            gold=scores.gold.astype(np.int32),
            predicted=scores.predicted_classes.astype(np.int32),
            probabilities=scores.probabilities.astype(np.float16),
        )

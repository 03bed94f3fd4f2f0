"""What was measured so far, as JSON lines, so that a long benchmark goes on where it stopped."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any


class Ledger:
    """Answers by key. A key holds everything that the answer depends on, as plain values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                self._answers[json.dumps(record["key"], sort_keys=True)] = record["answer"]

    def find_answer(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """Return what was answered under exactly this key."""
        return self._answers.get(json.dumps(key, sort_keys=True))

    def add_answer(self, key: dict[str, Any], answer: dict[str, Any]) -> None:
        """Append an answer, whole or not at all."""
        self._answers[json.dumps(key, sort_keys=True)] = answer
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "answer": answer}) + "\n")


class TimeLimit:
    """How long new measurements are begun; 0 seconds: always."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds if seconds else float("inf")

    def has_passed(self) -> bool:
        return time.monotonic() >= self._ends

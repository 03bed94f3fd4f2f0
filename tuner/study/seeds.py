"""Seeds that depend on what they are for and on nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PurposeSeeds:
    """The seeds of one generation of a study."""

    seed: int
    generation: int

    def seed_for_purpose(self, purpose: str, number: int = 0) -> int:
        """Return a 32-bit seed; the same in every process, unlike hash()."""
        text = f"{purpose}:{self.seed}:{self.generation}:{number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def chance_for_purpose(self, purpose: str, number: int) -> float:
        """Return a number drawn uniformly from 0…1."""
        return self.seed_for_purpose(purpose, number) / 2**32

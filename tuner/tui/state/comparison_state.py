"""Who is compared: the baseline, the one under the cursor, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.errors import TunerError
from tuner.session.comparison import (
    Candidate,
    ComparisonRow,
    PairedPredictions,
    PredictionCache,
    comparison_rows,
)
from tuner.session.folder import Session
from tuner.session.validation_texts import ValidationTexts, read_validation_texts


class ComparisonState:
    """What is compared and how; the first candidate is the baseline. Changed by keys only."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.cursor_column = 0
        self.only_differing = False
        self.predictions = PredictionCache()
        self._baseline: str | None = None
        self._texts: dict[str, ValidationTexts | str] = {}

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Compare these; keep the chosen baseline, and the cursor on its candidate."""
        name_under_cursor = (
            self.candidate_under_cursor.name if self.candidate_under_cursor else None
        )
        self.candidates = sorted(candidates, key=lambda candidate: candidate.name != self._baseline)
        names = [candidate.name for candidate in self.candidates]
        self.cursor_column = names.index(name_under_cursor) if name_under_cursor in names else 0

    def make_baseline(self) -> None:
        """Compare the others with the candidate under the cursor."""
        if self.candidate_under_cursor is not None:
            self._baseline = self.candidate_under_cursor.name
            self.set_candidates(self.candidates)

    def move_cursor(self, step: int) -> None:
        self.cursor_column = min(
            max(self.cursor_column + step, 0), max(len(self.candidates) - 1, 0)
        )

    @property
    def is_comparable(self) -> bool:
        return len(self.candidates) > 1

    @property
    def candidate_under_cursor(self) -> Candidate | None:
        return self.candidates[self.cursor_column] if self.candidates else None

    @property
    def other_candidate(self) -> Candidate | None:
        """What the baseline is compared with row by row: under the cursor, else the first other."""
        return self.candidates[max(self.cursor_column, 1)] if self.is_comparable else None

    def table_facts(self) -> list[ComparisonRow]:
        """Return the rows of the table."""
        all_facts = comparison_rows(self.candidates) if self.candidates else []
        return (
            [fact for fact in all_facts if fact.has_differences]
            if self.only_differing
            else all_facts
        )

    def pair_with_other(self) -> PairedPredictions:
        """Pair the baseline with the other one row by row; raises TunerError if that cannot be."""
        if self.other_candidate is None:
            raise TunerError("there is nothing to compare")
        return self.predictions.pair_predictions(self.candidates[0], self.other_candidate)

    def flipped_rows(self) -> tuple[int, ...]:
        """Return positions of the rows that only one of the two predicts correctly."""
        try:
            return self.pair_with_other().flips.flipped_positions
        except TunerError:
            return ()

    def baseline_texts(self) -> ValidationTexts | str:
        """Return the texts of the baseline's rows, or why there are none."""
        session: Session = self.candidates[0].session
        if session.name not in self._texts:
            try:
                self._texts[session.name] = read_validation_texts(session)
            except TunerError as error:
                self._texts[session.name] = str(error)
        return self._texts[session.name]

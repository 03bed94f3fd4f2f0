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
    """The first contestant is the baseline. Changed by keys, on the screens' side alone."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.cursor_column = 0
        self.only_differing = False
        self.predictions = PredictionCache()
        self._baseline: str | None = None
        self._texts: dict[str, ValidationTexts | str] = {}

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Compare these: the baseline that was chosen stays it, and the cursor where it was."""
        name_under_cursor = (
            self.candidate_under_cursor.name if self.candidate_under_cursor else None
        )
        self.candidates = sorted(candidates, key=lambda candidate: candidate.name != self._baseline)
        names = [candidate.name for candidate in self.candidates]
        self.cursor_column = names.index(name_under_cursor) if name_under_cursor in names else 0

    def make_baseline(self) -> None:
        """The contestant under the cursor is what the others are compared with."""
        if self.candidate_under_cursor is not None:
            self._baseline = self.candidate_under_cursor.name
            self.set_candidates(self.candidates)

    def move_cursor(self, step: int) -> None:
        """The cursor to another column."""
        self.cursor_column = min(
            max(self.cursor_column + step, 0), max(len(self.candidates) - 1, 0)
        )

    @property
    def is_comparable(self) -> bool:
        """Whether there is something to compare."""
        return len(self.candidates) > 1

    @property
    def candidate_under_cursor(self) -> Candidate | None:
        """The contestant whose column the cursor is in."""
        return self.candidates[self.cursor_column] if self.candidates else None

    @property
    def other_candidate(self) -> Candidate | None:
        """Whom the baseline is compared with row by row: under the cursor, else the first other."""
        return self.candidates[max(self.cursor_column, 1)] if self.is_comparable else None

    def table_facts(self) -> list[ComparisonRow]:
        """The rows of the table."""
        all_facts = comparison_rows(self.candidates) if self.candidates else []
        return (
            [fact for fact in all_facts if fact.has_differences]
            if self.only_differing
            else all_facts
        )

    def pair_with_other(self) -> PairedPredictions:
        """Baseline and opponent row by row; TunerError saying why that cannot be."""
        if self.other_candidate is None:
            raise TunerError("there is nothing to compare")
        return self.predictions.pair_predictions(self.candidates[0], self.other_candidate)

    def flipped_rows(self) -> tuple[int, ...]:
        """Positions of the rows that one of the two answers rightly, () where it is not known."""
        try:
            return self.pair_with_other().flips.flipped_positions
        except TunerError:
            return ()

    def baseline_texts(self) -> ValidationTexts | str:
        """The texts of the baseline's rows, or why there are none."""
        session: Session = self.candidates[0].session
        if session.name not in self._texts:
            try:
                self._texts[session.name] = read_validation_texts(session)
            except TunerError as error:
                self._texts[session.name] = str(error)
        return self._texts[session.name]

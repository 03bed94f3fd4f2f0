"""Who is compared: the baseline, the one under the cursor, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.errors import TunerError
from tuner.session.contest import Answers, Contestant, Fact, Pairing, facts
from tuner.session.folder import Session
from tuner.session.texts import RowTexts, row_texts


class Board:
    """The first contestant is the baseline. Changed by keys, on the screens' side alone."""

    def __init__(self) -> None:
        self.contestants: list[Contestant] = []
        self.column = 0
        self.differing = False
        self.answers = Answers()
        self._baseline: str | None = None
        self._texts: dict[str, RowTexts | str] = {}

    def seat(self, contestants: Sequence[Contestant]) -> None:
        """Compare these: the baseline that was chosen stays it, and the cursor where it was."""
        under_cursor = self.under_cursor.name if self.under_cursor else None
        self.contestants = sorted(contestants, key=lambda each: each.name != self._baseline)
        names = [each.name for each in self.contestants]
        self.column = names.index(under_cursor) if under_cursor in names else 0

    def make_baseline(self) -> None:
        """The contestant under the cursor is what the others are compared with."""
        if self.under_cursor is not None:
            self._baseline = self.under_cursor.name
            self.seat(self.contestants)

    def move(self, step: int) -> None:
        """The cursor to another column."""
        self.column = min(max(self.column + step, 0), max(len(self.contestants) - 1, 0))

    @property
    def complete(self) -> bool:
        """Whether there is something to compare."""
        return len(self.contestants) > 1

    @property
    def under_cursor(self) -> Contestant | None:
        """The contestant whose column the cursor is in."""
        return self.contestants[self.column] if self.contestants else None

    @property
    def opponent(self) -> Contestant | None:
        """Whom the baseline is compared with row by row: under the cursor, else the first other."""
        return self.contestants[max(self.column, 1)] if self.complete else None

    def facts(self) -> list[Fact]:
        """The rows of the table."""
        found = facts(self.contestants) if self.contestants else []
        return [fact for fact in found if fact.differs] if self.differing else found

    def pairing(self) -> Pairing:
        """Baseline and opponent row by row; TunerError saying why that cannot be."""
        if self.opponent is None:
            raise TunerError("there is nothing to compare")
        return self.answers.pairing(self.contestants[0], self.opponent)

    def flipped(self) -> tuple[int, ...]:
        """Positions of the rows that one of the two answers rightly, () where it is not known."""
        try:
            return self.pairing().flips.flipped
        except TunerError:
            return ()

    def texts(self) -> RowTexts | str:
        """The texts of the baseline's rows, or why there are none."""
        session: Session = self.contestants[0].session
        if session.name not in self._texts:
            try:
                self._texts[session.name] = row_texts(session)
            except TunerError as error:
                self._texts[session.name] = str(error)
        return self._texts[session.name]

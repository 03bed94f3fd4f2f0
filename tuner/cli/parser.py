"""argparse whose errors are one line with the nearest valid spelling."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from tuner.cli.spelling import spelling_hint
from tuner.errors import TunerError
from tuner.recipe.numbers import parse_number_text


class CommandParser(argparse.ArgumentParser):
    """An argparse parser whose `error` raises TunerError instead of printing the usage block."""

    def __init__(self, prog: str, description: str = "", epilog: str | None = None) -> None:
        self.spellings: list[str] = []
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Remember the option's names, for the nearest spelling, and add it."""
        self.spellings.extend(name for name in names if name.startswith("--"))
        return super().add_argument(*names, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as TunerError."""
        raise TunerError(f"{message.removeprefix('argument ')} (see {self.prog} --help)")

    def parse_arguments(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the options; raises TunerError with the nearest spelling for an unknown one."""
        options, extras = self.parse_known_intermixed_args(list(arguments))
        if extras:
            self._refuse_unknown_words(extras)
        return options

    def _refuse_unknown_words(self, extras: Sequence[str]) -> NoReturn:
        unknown = next((extra for extra in extras if extra.startswith("-")), None)
        if unknown is None:
            self.error(f"one argument too many: {extras[0]}")
        name = unknown.split("=", 1)[0]
        self.error(f"no such option: {name}{spelling_hint(name, self.spellings)}")


def choice_parser(*choices: str) -> Callable[[str], str]:
    """Return an argument type: one of these words."""

    def parse_choice(text: str) -> str:
        if text not in choices:
            names = ", ".join(choices)
            raise argparse.ArgumentTypeError(
                f"{text} is not one of {names}{spelling_hint(text, choices)}"
            )
        return text

    return parse_choice


def whole_number_parser(lowest: int) -> Callable[[str], int]:
    """Return an argument type: a whole number, at least `lowest`."""

    def parse_whole_number(text: str) -> int:
        value = parse_number_text(text)
        if not isinstance(value, int) or value < lowest:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {lowest}")
        return value

    return parse_whole_number


def parse_share(text: str) -> float:
    """Parse a share between 0 and 1, also written as a percentage: 0.1 or 10%."""
    value = parse_number_text(text)
    if value is None or not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1, such as 0.1")
    return value


def parse_positive_number(text: str) -> float:
    value = parse_number_text(text)
    if value is None or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above zero, such as 60")
    return value


def parse_key_value(text: str) -> str:
    """Check that the argument has the form KEY=VALUE and return it unchanged."""
    key, equals, value = text.partition("=")
    if not (key.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f"{text} is not of the form KEY=VALUE")
    return text

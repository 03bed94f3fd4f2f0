"""`python -m tuner.training [describe|check]`: the trainer, or one question about a recipe.

The trainer speaks tuner.pool.protocol on stdin and stdout. `describe` and `check` read one JSON
request and write one JSON answer; where the user's input is wrong: exit code 2, one line on stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from tuner.errors import TunerError
from tuner.training.hub import quiet_libraries
from tuner.training.serve import serve


def main(arguments: list[str]) -> int:
    """Run one of the three; returns the exit code."""
    if not arguments:
        return serve()
    if arguments == ["describe"]:
        from tuner.training.describe import answer_describe

        return _answer(answer_describe)
    if arguments == ["check"]:
        from tuner.training.check import answer_check

        return _answer(answer_check)
    print("usage: python -m tuner.training [describe|check]", file=sys.stderr)
    return 2


def _answer(question: Callable[[dict[str, Any]], msgspec.Struct]) -> int:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    quiet_libraries(threads=1)
    try:
        answer = question(json.loads(sys.stdin.buffer.read()))
    except TunerError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code
    with out:
        out.write(msgspec.json.encode(answer) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

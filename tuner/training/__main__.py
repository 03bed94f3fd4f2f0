"""`python -m tuner.training [describe|check]`: the trainer, or one question about a recipe.

The trainer speaks tuner.pool.protocol on stdin and stdout. `describe` and `check` read one JSON
request and write one JSON reply; before its reply `check` writes {"stage": TEXT} whenever it begins
something else. Where the user's input is wrong they exit with code 2 and one line on stderr. They
end with their parent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from tuner.errors import TunerError
from tuner.pool.cores import count_usable_cores
from tuner.pool.disk import advise_on_disk_problem, describe_disk_problem
from tuner.training.hub import quiet_libraries
from tuner.training.serve import serve_requests

_TERMINATED = 143
_POLL_SECONDS = 0.5


ReportStage = Callable[[str], None]
Question = Callable[[dict[str, Any], ReportStage], msgspec.Struct]


def main(arguments: list[str]) -> int:
    """Run the trainer, or answer one question; return the exit code."""
    if not arguments:
        return serve_requests()
    if arguments == ["describe"]:
        from tuner.training.describe import answer_describe_request

        return _answer_question(lambda request, _tell: answer_describe_request(request), threads=1)
    if arguments == ["check"]:
        return _answer_question(_answer_check, threads=count_usable_cores())
    print("usage: python -m tuner.training [describe|check]", file=sys.stderr)
    return 2


def _answer_check(request: dict[str, Any], report_stage: ReportStage) -> msgspec.Struct:
    # Imported here, after the libraries were told how many threads they have.
    from tuner.training.recipe_check import answer_check_request

    return answer_check_request(request, report_stage)


def _answer_question(question: Question, threads: int) -> int:
    answer_stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    quiet_libraries(threads)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(_TERMINATED))
    threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()

    def report_stage(stage: str) -> None:
        _write_json_line(answer_stream, {"stage": stage})

    try:
        answer = question(json.loads(sys.stdin.buffer.read()), report_stage)
    except TunerError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        trouble = describe_disk_problem(error)
        if trouble is None:
            raise
        message = f"nothing can be written ({trouble}): {advise_on_disk_problem(error)}"
        print(str(TunerError(message)), file=sys.stderr)
        return TunerError.exit_code
    with answer_stream:
        _write_json_line(answer_stream, answer)
    return 0


def _write_json_line(stream: BinaryIO, value: object) -> None:
    stream.write(msgspec.json.encode(value) + b"\n")
    stream.flush()


def _end_with_parent(parent: int) -> None:
    """End this process once its parent is gone.

    Nobody waits for the reply any more, and a step of a large model takes long.
    """
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

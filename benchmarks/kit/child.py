"""A contender's side of the conversation with the benchmark. Standard library only.

A contender may live in another environment than this one, so nothing else is imported here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

READY = "@ready"
ANSWER = "@answer "


def read_request() -> dict[str, Any]:
    """Parse the JSON object that the benchmark passes on the command line."""
    request_fields: dict[str, Any] = json.loads(sys.argv[1])
    return request_fields


def wait_for_start() -> bool:
    """Say that all preparations are done, and wait until every contender of the round says so.

    Returns False where the benchmark wants nothing more.
    """
    print(f"\n{READY}", flush=True)
    return bool(sys.stdin.readline())


def send_answer(result: dict[str, Any]) -> None:
    """Hand back what was measured."""
    print(f"\n{ANSWER}{json.dumps(result)}", flush=True)

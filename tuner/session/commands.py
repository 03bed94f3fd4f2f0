"""What anybody tells the worker: one JSON object a line in commands.jsonl."""

from __future__ import annotations

from typing import Any

import msgspec


class Command(msgspec.Struct, tag_field="kind", kw_only=True, frozen=True, omit_defaults=False):
    """`id` is a UUID in hex, made by the sender; `time` is UTC in seconds."""

    id: str
    time: float = 0.0


class Pause(Command, tag="pause"):
    """Checkpoint what runs and end the worker."""


class Drain(Command, tag="drain"):
    """Let what runs finish, start nothing new, then end the worker as paused."""


class Stop(Command, tag="stop"):
    """End the study: what runs is given up."""


class Prune(Command, tag="prune"):
    """End one running trial as pruned."""

    trial: int


class Enqueue(Command, tag="enqueue"):
    """A trial with these flat values next; what is not given is suggested by the sampler."""

    params: dict[str, Any]


AnyCommand = Pause | Drain | Stop | Prune | Enqueue

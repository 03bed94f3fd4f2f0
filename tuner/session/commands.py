"""What anybody tells the worker: one JSON object a line in commands.jsonl."""

from __future__ import annotations

from typing import Any

import msgspec


class Command(msgspec.Struct, tag_field="kind", kw_only=True, frozen=True, omit_defaults=False):
    """`id` is a UUID in hex, `time` is UTC in seconds; `send_command` fills in what is missing."""

    id: str = ""
    time: float = 0.0


class Pause(Command, tag="pause", frozen=True):
    """Checkpoint what runs and end the worker."""


class Drain(Command, tag="drain", frozen=True):
    """Let what runs finish, start nothing new, then end the worker as paused."""


class Stop(Command, tag="stop", frozen=True):
    """End the study: what runs is given up."""


class Prune(Command, tag="prune", frozen=True):
    """End one running trial as pruned."""

    trial: int


class Enqueue(Command, tag="enqueue", frozen=True):
    """A trial with these flat values next; what is not given is suggested by the sampler.

    `rerun_of`: the values of that trial instead, with `params` over them; without a "seed" there,
    the worker takes one that no run of them had. `copy_of`: the trial whose values were edited.
    """

    params: dict[str, Any]
    rerun_of: int | None = None
    copy_of: int | None = None


AnyCommand = Pause | Drain | Stop | Prune | Enqueue

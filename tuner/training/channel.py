"""The two ends of the conversation with the worker: requests from stdin, messages to stdout."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from tuner.pool.protocol import Pause, Reply, Request


class Channel:
    """Reads requests in a thread; the end of stdin counts as `Pause` from then on."""

    def __init__(self, requests: int, replies: BinaryIO) -> None:
        self._requests, self._replies = requests, replies
        self._queue: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
        self._encoder = msgspec.json.Encoder()
        self._worker_listens = True
        self._ended = threading.Event()
        threading.Thread(target=self._read_requests, name="requests", daemon=True).start()

    @classmethod
    def over_standard_streams(cls) -> Channel:
        """Take stdout for messages alone: whatever a library prints from now on goes to stderr."""
        replies = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        return cls(0, replies)

    def _read_requests(self) -> None:
        try:
            for line in _read_whole_lines(self._requests):
                self._queue.put(self._decoder.decode(line))
        finally:
            # Also after what is no request: the trainer ends with its trace, and is not waited for.
            self.end_conversation()

    def end_conversation(self) -> None:
        """From now on every answer is `Pause`. Also called from a signal handler."""
        self._ended.set()
        self._queue.put(Pause())

    def wait_for_request(self) -> Request:
        """The next request, however long it takes."""
        return Pause() if self._ended.is_set() and self._queue.empty() else self._queue.get()

    def poll_request(self) -> Request | None:
        """The next request if there is one already."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return Pause() if self._ended.is_set() else None

    def send_message(self, message: Reply) -> None:
        """Write one message. Where nobody listens any more, stdin's end will say so."""
        if not self._worker_listens:
            return
        try:
            self._replies.write(self._encoder.encode(message) + b"\n")
        except BrokenPipeError:
            self._worker_listens = False


def _read_whole_lines(descriptor: int) -> Iterator[bytes]:
    """Whole lines as they come in.

    Not through sys.stdin: a thread that waits there holds a lock that Python needs to end.
    """
    unfinished = b""
    while chunk := os.read(descriptor, 1 << 16):
        *lines, unfinished = (unfinished + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())

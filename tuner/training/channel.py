"""The two ends of the conversation with the worker: requests from stdin, messages to stdout."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
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
        """Reserve stdout for messages: whatever a library prints from now on goes to stderr."""
        replies = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        return cls(0, replies)

    def _read_requests(self) -> None:
        try:
            for line in _read_whole_lines(self._requests):
                self._queue.put(self._decoder.decode(line))
        except msgspec.DecodeError:
            # Before the end, at which the process exits and would cut a daemon thread's trace off.
            traceback.print_exc()
        finally:
            self.end_conversation()

    def end_conversation(self) -> None:
        """Answer `Pause` to whoever waits from now on. Also called from a signal handler."""
        self._ended.set()
        self._queue.put(Pause())

    def wait_for_request(self) -> Request:
        """Return the next request, however long it takes."""
        return Pause() if self._ended.is_set() and self._queue.empty() else self._queue.get()

    def poll_request(self) -> Request | None:
        """Return the next request if one has arrived."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return Pause() if self._ended.is_set() else None

    def send_message(self, message: Reply) -> None:
        """Write one message; drop it once the worker is gone: the end of stdin will say so."""
        if not self._worker_listens:
            return
        try:
            self._replies.write(self._encoder.encode(message) + b"\n")
        except BrokenPipeError:
            self._worker_listens = False


def _read_whole_lines(descriptor: int) -> Iterator[bytes]:
    """Yield whole lines as they arrive.

    os.read instead of sys.stdin: a thread that waits in sys.stdin holds a lock that Python needs to
    exit.
    """
    unfinished = b""
    while chunk := os.read(descriptor, 1 << 16):
        *lines, unfinished = (unfinished + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())

"""Exactly-once, ordered delivery of lines over a connection that may break: numbered, kept until acknowledged.

A sender repeats lines that were not acknowledged for a while; a receiver takes new lines that leave no gap. Whatever
is lost or duplicated on the way, the lines taken are a prefix of the lines added.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

RESEND_S: Final = 5.0
"""Time without an acknowledgement, which takes a round trip, after which lines count as lost."""


class Outbox:
    """Sender of lines."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._first = 0
        self._unsent = 0
        self._since: float | None = None

    def __len__(self) -> int:
        """Number of lines without acknowledgement."""
        return len(self._lines)

    def add(self, line: bytes) -> None:
        """Append a line."""
        self._lines.append(line)

    def report(self, now: float) -> tuple[int, list[bytes]]:
        """Take the lines to send at ``now`` (monotonic seconds), with the number of the first."""
        if self._since is not None and now - self._since >= RESEND_S:
            self._unsent = self._first
            self._since = None
        first = self._unsent
        lines = list(islice(self._lines, first - self._first, None))
        if lines:
            self._unsent += len(lines)
            self._since = now if self._since is None else self._since
        return first, lines

    def acknowledged(self, until: int) -> None:
        """Forget the lines before number ``until``."""
        for _ in range(min(until - self._first, len(self._lines))):
            self._lines.popleft()
            self._first += 1
        self._unsent = max(self._unsent, self._first)
        if self._unsent == self._first:
            self._since = None


class Inbox:
    """Receiver of lines; ``next`` is the number of the line that it waits for, and its acknowledgement."""

    def __init__(self) -> None:
        self.next = 0

    def take(self, first: int, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Accept the new ones of lines numbered from ``first``; none if one before them is missing."""
        if first > self.next:
            return ()
        new = lines[self.next - first :]
        self.next += len(new)
        return new

"""Lines that must arrive once each, in order, over a wire that may break: numbered, kept until acknowledged.

A sender repeats what nobody has acknowledged for a while; a receiver takes what it does not have yet and nothing that
would leave a gap. Whatever is lost or comes twice on the way, what was taken is a beginning of what was added.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

RESEND_S: Final = 5.0
"""An answer takes a round trip; after so long without one the connection is thought to have lost something."""


class Outbox:
    """The sender's end."""

    def __init__(self) -> None:
        self._kept: deque[bytes] = deque()
        self._first = 0
        self._unsent = 0
        self._since: float | None = None

    def __len__(self) -> int:
        """How many lines nobody has acknowledged."""
        return len(self._kept)

    def add(self, line: bytes) -> None:
        """Put one line at the end."""
        self._kept.append(line)

    def report(self, now: float) -> tuple[int, list[bytes]]:
        """What is to be sent at ``now`` (monotonic seconds): the number of the first line, and the lines."""
        if self._since is not None and now - self._since >= RESEND_S:
            self._unsent = self._first
            self._since = None
        first = self._unsent
        lines = list(islice(self._kept, first - self._first, None))
        if lines:
            self._unsent += len(lines)
            self._since = now if self._since is None else self._since
        return first, lines

    def acknowledged(self, until: int) -> None:
        """Forget the lines before number ``until``."""
        for _ in range(min(until - self._first, len(self._kept))):
            self._kept.popleft()
            self._first += 1
        self._unsent = max(self._unsent, self._first)
        if self._unsent == self._first:
            self._since = None


class Inbox:
    """The receiver's end; ``next`` is the number of the line that it waits for, and its acknowledgement."""

    def __init__(self) -> None:
        self.next = 0

    def take(self, first: int, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Of lines numbered from ``first``, those that are new; none where one before them is missing."""
        if first > self.next:
            return ()
        new = lines[self.next - first :]
        self.next += len(new)
        return new

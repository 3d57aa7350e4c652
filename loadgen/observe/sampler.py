"""A thread of the parent process that samples the server's counters each second."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from capacity.formatting import counted
from loadgen.database.target import Target
from loadgen.observe.following import INTERVAL_S, Follower
from loadgen.observe.probe import Probe
from loadgen.observe.queries import Connection
from loadgen.observe.samples import COUNTERS, Sample, server_use
from loadgen.observe.starts import History
from loadgen.runs.format.use import ServerUse
from loadgen.runs.format.verdict import Reason

APPLICATION: Final = "loadgen sampler"
_GRANT_START: Final = "grant EXECUTE on pg_postmaster_start_time() and SELECT on pg_stat_bgwriter, to detect restarts"
COLUMNS: Final = ("utc", "monotonic_s", *COUNTERS, "waits")


class Sampler:
    """Samples a target from :meth:`start` to :meth:`stop`, into a CSV file at ``output`` and into memory.

    A server that goes away leaves a gap; sampling goes on when it is back. Counters that the role may not
    read are left out and named by :meth:`notes`. WAL, checkpoints, file operations and CPU are those of the whole
    server, other databases included.
    """

    def __init__(self, target: Target, output: Path, *, interval_s: float = INTERVAL_S) -> None:
        self._output = output
        self._interval_s = interval_s
        self._samples: list[Sample] = []
        self._unseen: dict[str, str] = {}
        self._unwritten: str | None = None
        self._follower = Follower(target, APPLICATION, self._begin, interval_s=interval_s, ended=self._close)

    def start(self) -> None:
        """Start sampling. Raises OSError when ``output`` cannot be written."""
        self._file = self._output.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)
        self._follower.start()

    def stop(self) -> None:
        """Take a last sample and end, within a few seconds even if the server does not answer."""
        self._follower.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """See :attr:`Follower.running`."""
        return self._follower.running

    @property
    def samples(self) -> Sequence[Sample]:
        """Samples so far, in order."""
        return tuple(self._samples)

    @property
    def history(self) -> History:
        """See :attr:`Follower.history`."""
        return self._follower.history

    def use(self, begin: float, end: float, *, transactions: int, checkpoints_forced: int = 0) -> ServerUse:
        """The server's use between two instants of the monotonic clock; see ``samples.server_use``."""
        return server_use(self.samples, begin, end, transactions=transactions, checkpoints_forced=checkpoints_forced)

    def notes(self, begin: float, end: float) -> tuple[Reason, ...]:
        """Limits of the figures of a window: missing samples, and counters that the role may not read."""
        unseen = self._unseen | ({} if self._follower.may_read_start else {"when it started": _GRANT_START})
        reasons = [Reason("server_not_seen", f"the server did not show {what}", do) for what, do in unseen.items()]
        if self._unwritten is not None:
            reasons.append(Reason("server_samples_lost", self._unwritten, "free space for the results"))
        sampled_at = [sample.at for sample in self.samples if begin <= sample.at <= end]
        bounds = [begin, *sampled_at, end]
        gap_s = max(after - before for before, after in pairwise(bounds))
        if len(sampled_at) < 2:
            times = counted(len(sampled_at), "time")
            what = f"the server was sampled only {times} in the window, so its counters cannot be compared"
            do = f"check that the server answers: it is sampled every {self._interval_s:g} s"
            reasons.append(Reason("server_not_sampled", what, do))
        elif gap_s > 3 * self._interval_s + 1 and not self.history.faults(begin, end):
            what = f"for {gap_s:.0f} s of the window the server was not sampled"
            reasons.append(Reason("server_gap", what, "check what kept it from answering, or give it more CPU"))
        return tuple(reasons)

    def _begin(self, connection: Connection) -> Callable[[], None]:
        probe = Probe(connection)

        def poll() -> None:
            self._write(probe.sample())
            self._unseen |= probe.unseen

        return poll

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # the last flush to a full disk: already in the notes
            self._file.close()

    def _write(self, sample: Sample) -> None:
        self._samples.append(sample)
        if self._unwritten is not None:
            return
        counters = (getattr(sample.counters, name) for name in COUNTERS)
        waits = " ".join(f"{event}={count}" for event, count in sorted(sample.waits.items()))
        utc = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        try:
            self._rows.writerow((utc, f"{sample.at:.3f}", *counters, waits))
            self._file.flush()
        except OSError as error:
            self._unwritten = f"{self._output} could not be written completely: {error.strerror}"

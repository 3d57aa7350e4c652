"""Start a server on intact data: its address, its configuration, and the cause of a failed start."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from loadgen.database.cluster import CONFIGURATION
from loadgen.database.instance_files import Files, Postmaster, Record
from loadgen.database.machine import server_settings, this_machine
from loadgen.database.processes import end_all, running_in
from loadgen.database.programs import Programs
from loadgen.errors import EnvironmentFault

START_TIMEOUT_S = 600  # crash recovery comes before the server answers
LOG_KEPT_BYTES = 16 * 1024**2
PORT_ATTEMPTS = 5
LISTEN_ADDRESS = "127.0.0.1"


def launch(files: Files, programs: Programs, port: int | None) -> Postmaster:
    """Start the server and wait until it answers. ``port`` None takes the last one if it is free, else any."""
    record = Record.read(files.record)
    socket_dir = files.socket_dir(record.socket_dir if record else None, programs.account)
    for leftover in socket_dir.iterdir():  # a socket's own lock file goes stale as the pid file does
        leftover.unlink()
    if files.log.exists() and files.log.stat().st_size > LOG_KEPT_BYTES:
        files.log.replace(files.log.with_suffix(".log.1"))
    preferred = record.port if record else None
    for _ in range(PORT_ATTEMPTS):
        chosen = _asked_port(port) if port is not None else _free_port(preferred)
        _configure(files, chosen, socket_dir)
        Record(chosen, socket_dir).write(files.record)
        complaint = _run_pg_ctl(files, programs)
        if complaint is None:
            break
        if port is not None or "Address already in use" not in complaint:
            raise EnvironmentFault(f"server {files.name} did not start: {complaint}; its log is {files.log}")
        preferred = None  # another process took it between the choice and the start
    running = running_in(files.data)
    if running is None:
        raise EnvironmentFault(f"server {files.name} did not stay up; its log is {files.log}")
    return running


def _run_pg_ctl(files: Files, programs: Programs) -> str | None:
    """Start the server; returns None once it answers, else the cause of the failure, with no process left running."""
    log_start = files.log.stat().st_size if files.log.exists() else 0
    arguments = ["start", "--wait", "--silent", f"--timeout={START_TIMEOUT_S}"]
    try:
        finished = programs.run(
            "pg_ctl", [*arguments, f"--pgdata={files.data}", f"--log={files.log}"], timeout_s=START_TIMEOUT_S + 10
        )
        if finished.code == 0:
            return None
    except BaseException:
        end_all(files.data)
        raise
    end_all(files.data)
    return _cause(files.log, log_start) or finished.complaint


def _cause(log: Path, start: int) -> str | None:
    """Cause of a failed start, from the log after ``start``. A line before the FATAL one may be more specific."""
    try:
        with log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    errors = [line for line in lines if "could not bind" in line] or [line for line in lines if "FATAL:" in line]
    return errors[0].split(":  ", 1)[-1].strip() if errors else None


def _configure(files: Files, port: int, socket_dir: Path) -> None:
    settings = server_settings(this_machine()) | {
        "listen_addresses": f"'{LISTEN_ADDRESS}'",
        "port": str(port),
        "unix_socket_directories": _quoted(socket_dir),
    }
    path = files.data / CONFIGURATION
    partial = path.with_suffix(".partial")
    partial.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
    partial.chmod(0o644)
    partial.replace(path)


def _quoted(path: Path) -> str:
    """Quote a path as an element of a list in a string of postgresql.conf."""
    element = '"' + str(path).replace('"', '""') + '"'
    return "'" + element.replace("\\", "\\\\").replace("'", "''") + "'"


def _asked_port(port: int) -> int:
    try:
        return _bound(port)
    except OSError as error:
        raise EnvironmentFault(
            f"port {port} on {LISTEN_ADDRESS} cannot be used: {error.strerror}; choose another with --port, "
            "or leave it out"
        ) from None


def _free_port(preferred: int | None) -> int:
    if preferred is not None:
        with contextlib.suppress(OSError):
            return _bound(preferred)
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        probe.bind((LISTEN_ADDRESS, port))
        return int(probe.getsockname()[1])

"""The verbs, and the one place where an outcome becomes an exit code and a line."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from loadgen.cli.outcomes import as_loadgen_error, check_arguments, one_line
from loadgen.cli.output import emit, emit_values, say
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, RefusalError, UsageError

# Typer exports BadParameter but not the class that all its usage errors share.
_TyperError: type[Exception] = typer.BadParameter.__mro__[2]


def build() -> typer.Typer:
    """The application. Verbs' modules import nothing heavy at their top, so that --help answers at once."""
    from loadgen.cli import VERBS

    app = typer.Typer(
        name="loadgen",
        callback=_without_verb,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for panel, verbs in VERBS.items():
        for verb in verbs:
            app.command(rich_help_panel=panel)(_abortable(verb))
    return app


def _without_verb(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Synthetic load and capacity planning for a Postgres-backed financial-planning application."""
    if version:
        from importlib.metadata import version as installed

        print(f"loadgen {installed('affluvia-loadgen')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


def _abortable(verb: Callable[..., None]) -> Callable[..., None]:
    """Typer turns a KeyboardInterrupt into a bare exit code, and the one line and document would be lost."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            verb(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise typer.Abort from error

    return wrapped


def main(argv: list[str] | None = None) -> None:
    """Run a command line and exit with the design's code; one line on stderr for whatever went wrong."""
    arguments = sys.argv[1:] if argv is None else argv
    as_json = "--json" in arguments
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        check_arguments(arguments)
        sys.exit(build()(arguments, prog_name="loadgen", standalone_mode=False) or ExitCode.DONE)
    except LoadgenError as error:
        _fail(error, as_json)
    except _TyperError as error:
        _fail(UsageError(_one_line(error)), as_json)
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        if as_json:
            emit_values("loadgen.error/1", error={"exit_code": int(ExitCode.INTERRUPTED), "message": "interrupted"})
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:
        _fail(as_loadgen_error(error), as_json)


def _as_interrupt(signum: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _one_line(error: Exception) -> str:
    """Typer's message with the way to the help, in one line."""
    message = " ".join(str(getattr(error, "format_message", error.__str__)()).split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "loadgen"
    return f"{message}; see {path} --help"


def _fail(error: LoadgenError, as_json: bool) -> None:
    message = one_line(str(error))
    code = error.exit_code
    with contextlib.suppress(OSError):  # where stderr cannot be written to, the code and the document still can
        say(f"loadgen: {message}")
    try:
        if as_json and error.document is not None:
            emit(error.document)
        elif as_json and isinstance(error, RefusalError):
            refusal = error.refusal
            fields = {"code": refusal.code, "missing": one_line(refusal.missing), "do": one_line(refusal.do)}
            emit_values("loadgen.refusal/1", refusal=fields)
        elif as_json:
            emit_values("loadgen.error/1", error={"exit_code": int(code), "message": message})
    except EnvironmentFault:  # stdout cannot be written to
        code = ExitCode.ENVIRONMENT
    sys.exit(code)

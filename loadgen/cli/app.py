"""The application, and the one place where an outcome becomes an exit code and a line."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from loadgen import interrupts
from loadgen.cli.options import FLAG, OUTPUT, BadValue, option
from loadgen.cli.outcomes import as_loadgen_error, check_arguments, one_line
from loadgen.cli.output import documents_emitted, emit, emit_values, say, show_cursor
from loadgen.cli.verbs import VERBS
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, RefusalError, UsageError

TERMS: Final = (
    "arrival rate, back-test, closed load, concurrency, connection pool, knee, objective, open load, service demand, "
    "think time, working set"
)
EPILOG: Final = f"""Examples:
loadgen run dashboard --users 20 --duration 5m        load test
loadgen sweep dashboard --objective p95=100ms         limit and pool size
loadgen forecast history.csv --horizon 18             growth
loadgen plan --history history.csv                    servers, and when

Recipes: docs/cookbook.md. Terms ({TERMS}): docs/glossary.md."""

# Typer exports BadParameter but not the class that all its usage errors share.
_TyperError: type[Exception] = typer.BadParameter.__mro__[2]


def build() -> typer.Typer:
    """Build the application. Verbs' modules import nothing heavy at their top, so that --help answers at once."""
    app = typer.Typer(
        name="loadgen",
        cls=Group,
        callback=_without_verb,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for panel, verbs in VERBS.items():
        for verb in verbs:
            app.command(cls=Command, help=help_text(verb), rich_help_panel=panel)(verb)
    return app


def help_text(verb: Callable[..., None]) -> str:
    """A verb's docstring with a line for each paragraph, which the terminal wraps."""
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


class Command(TyperCommand):
    """A verb, whose help lists --help with the options of its output."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Parameters of the command as the help lists them, with --help."""
        params = _without_types(super().get_params(ctx))
        for param in params:
            if "--help" in param.opts:
                param.rich_help_panel = OUTPUT
        return params


class Group(TyperGroup):
    """The command without a verb."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Parameters of the command as the help lists them, with --help."""
        return _without_types(super().get_params(ctx))


def _without_types(params: list[Any]) -> list[Any]:
    """Take Python's types out of the help: ``<bool>`` of flags, ``<str>`` beside an argument's own name."""
    for param in params:
        if param.param_type_name == "argument":
            param.display_type_rich = lambda ctx: None
        elif param.is_flag:
            param.metavar = FLAG
    return params


def _without_verb(
    context: typer.Context,
    version: Annotated[bool, option("--version", of=FLAG, group="Options", help="Print the version and exit.")] = False,
) -> None:
    """Load generator and capacity planner for a PostgreSQL application, with synthetic households as its data."""
    if version:
        from importlib.metadata import version as installed

        print(f"loadgen {installed('affluvia-loadgen')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


def main(argv: list[str] | None = None) -> None:
    """Run a command line and exit with its code; an error is one line on stderr."""
    arguments = sys.argv[1:] if argv is None else argv
    as_json = "--json" in arguments
    emitted_before = documents_emitted()
    failure: BaseException | None = None
    code = ExitCode.DONE
    try:
        check_arguments(arguments)
        code = interrupts.interruptible(lambda: build()(arguments, prog_name="loadgen", standalone_mode=False)) or code
    except BaseException as error:
        failure = error
    # A signal decides, whatever exception it caused: an interrupted import, for example, raises ImportError.
    if interrupts.received() or code == ExitCode.INTERRUPTED or isinstance(failure, KeyboardInterrupt | typer.Abort):
        _interrupted(failure, as_json and documents_emitted() == emitted_before)
    if isinstance(failure, _TyperError):
        failure = UsageError(_one_line(failure))
    if isinstance(failure, Exception):
        _fail(as_loadgen_error(failure), as_json)
    if failure is not None:
        raise failure
    sys.exit(code)


def _interrupted(failure: BaseException | None, as_json: bool) -> NoReturn:
    """Clean up after a signal, then end with one line on stderr and, if ``as_json``, a document on stdout."""
    interrupts.clean_up()
    line = interrupts.line()
    with contextlib.suppress(OSError, EnvironmentFault):  # the reader may be gone
        show_cursor()
        say(line)
        if as_json and isinstance(failure, LoadgenError) and failure.document is not None:
            emit(failure.document)
        elif as_json:
            emit_values("loadgen.error/1", error={"exit_code": int(ExitCode.INTERRUPTED), "message": line})
    if interrupts.received():
        interrupts.leave()
    sys.exit(ExitCode.INTERRUPTED)


def _one_line(error: Exception) -> str:
    """Typer's message with a pointer to the help, in one line; that of a bad value says what to write."""
    parameter = getattr(error, "param", None)
    if isinstance(error, BadValue) and parameter is not None:
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar
        return f"{name} {error.message}"
    message = " ".join(str(getattr(error, "format_message", error.__str__)()).split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "loadgen"
    return f"{message}; see {path} --help"


def _fail(error: LoadgenError, as_json: bool) -> NoReturn:
    message = one_line(str(error))
    code = error.exit_code
    with contextlib.suppress(OSError):  # stderr may be closed; the exit code and the document remain
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
    except EnvironmentFault:  # stdout is closed
        code = ExitCode.ENVIRONMENT
    sys.exit(code)

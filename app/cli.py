"""The command line: every command, and how errors and interruptions end it."""

from __future__ import annotations

import json
import sys

import typer

from app import cli_capture, cli_edit, cli_fit_subject, cli_inspect, cli_models, cli_results
from app.console import CANCELLED, USER_ERROR, messages, print_error
from qnerf_core.errors import Cancelled, StudioError

cli = typer.Typer(
    name="qnerf-studio",
    help="Shape a subject in 3D, and all its pictures change consistently.\n\n"
    "Without a command the window opens; the path of a project or a capture opens it there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
cli.command("edit")(cli_edit.edit)
cli.command("fit-body")(cli_fit_subject.fit_body)
cli.command("fit-proxy")(cli_fit_subject.fit_proxy)
cli.command("fit")(cli_results.fit)
cli.command("export")(cli_results.export)
cli.command("evaluate")(cli_results.evaluate)
cli.command("inspect")(cli_capture.inspect)
cli.command("scenes")(cli_inspect.scenes)
cli.command("doctor")(cli_inspect.doctor)
cli.add_typer(cli_models.models)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit code: 0 fine, 2 an error of the user's, 130 cancelled."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        cli(arguments)
    except Cancelled as error:
        return _fail(error, CANCELLED, "--json" in arguments)
    except StudioError as error:
        return _fail(error, USER_ERROR, "--json" in arguments)
    except OSError as error:
        reason = error.strerror or str(error)
        where = f"Cannot read or write {error.filename}" if error.filename else "Cannot read or write a file"
        failure = StudioError(where, reason, "Check the path, its permissions and the free space.")
        return _fail(failure, USER_ERROR, "--json" in arguments)
    except KeyboardInterrupt:
        messages.print("Stopped.")
        return CANCELLED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def is_command(name: str) -> bool:
    commands = {command.name for command in cli.registered_commands}
    return name in commands | {group.name for group in cli.registered_groups}


def _fail(error: StudioError, code: int, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": {"title": error.title, "cause": error.cause, "next_step": error.next_step}}))
    else:
        print_error(error)
    return code

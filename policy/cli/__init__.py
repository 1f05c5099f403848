"""The command `fwpolicy`. Each command is a module that is imported when it is called."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from policy import __version__
from policy.cli.output import NotWritten, Output, ReaderGone, wants_json

COMMANDS = ("ask", "explain", "fmt", "learn", "lint", "play", "show")

CANNOT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


class _Commands(click.Group):
    """Imports a command late, and suggests one for a word that is none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (as click calls it)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as click calls it)
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"policy.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from policy.diagnostic import did_you_mean

            hint = did_you_mean(args[0], COMMANDS) or f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command `{args[0]}`: {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="fwpolicy", message="%(prog)s %(version)s")
def fwpolicy() -> None:
    """Read firewall rules, and answer with proof: would this connection pass, and why?"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with *arguments* (by default those of the process) and return the exit status.

    Whatever happens is said in a message: a traceback is shown only with FWPOLICY_DEBUG=1.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # until the rules are read: nothing that is made before is garbage
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller, who then wants the exit status alone
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except (ReaderGone, BrokenPipeError):
        _say_no_more()
        return BROKEN_PIPE
    except NotWritten as error:
        _say_no_more()
        Output().problem(f"the answer could not be written: {error}", "make room for it, or write it elsewhere")
        return CANNOT
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.enable()
    return status


def _say_no_more() -> None:
    """Drop what is left to be written, so that Python does not try again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    out = Output("json" if wants_json(arguments) else "text")
    try:
        status = fwpolicy.main(arguments, prog_name="fwpolicy", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return CANNOT
    except click.UsageError as error:
        usage = error.ctx.command_path if error.ctx else "fwpolicy"
        out.problem(_lowered(error.format_message()), f"`{usage} --help` says how it is used")
        return CANNOT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (ReaderGone, NotWritten):
        raise
    except MemoryError:
        out.problem("there is not enough memory for this", "split the file, or ask less at once")
        return CANNOT
    except RecursionError:
        out.problem("this is nested too deeply", "write it with fewer levels")
        return CANNOT
    except Exception as error:
        if os.environ.get("FWPOLICY_DEBUG") == "1":
            raise
        out.problem(
            f"internal error: {type(error).__name__}: {error}",
            "please report it, with the command and the file; FWPOLICY_DEBUG=1 shows where it was",
        )
        return CANNOT
    return status if isinstance(status, int) else 0


def _lowered(text: str) -> str:
    """Return a message of click in the style of ours."""
    text = text.rstrip(".").replace("'", "`")
    return text[:1].lower() + text[1:]

"""What several commands share: options, and saying what went wrong."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce, wraps
from operator import or_
from typing import TYPE_CHECKING, Any

import click

from policy._record import dataclass
from policy.cli.output import Output
from policy.host import UNKNOWN_HOST, Host, own

if TYPE_CHECKING:
    from policy.app.config.read import Configuration
    from policy.ir import Ruleset

Command = Callable[..., int]

CANNOT = 2


class Stop(Exception):
    """What was wrong has been said."""


@contextmanager
def said(out: Output) -> Iterator[None]:
    """Say what is wrong with files, questions and wishes, and raise `Stop`."""
    from policy.app.problem import CannotAnswer
    from policy.diagnostic import Mistakes, unreadable
    from policy.source import Unreadable

    try:
        yield
    except Unreadable as error:
        out.mistakes([unreadable(error)])
    except Mistakes as error:
        out.mistakes(error.diagnostics)
    except CannotAnswer as error:
        out.problem(str(error), error.help)
    else:
        return
    raise Stop


def formats(*kinds: str) -> Callable[[Command], Command]:
    """Add `--format` (of these *kinds*) and `--color`; the command gets `out`.

    It ends with status 2 after saying what was wrong.
    """

    def decorate(command: Command) -> Command:
        @click.option("--format", "kind", type=click.Choice(kinds), default="text", help="How to answer.")
        @click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="When to use colour (auto: on a terminal, unless NO_COLOR is set).",
        )
        @wraps(command)
        def wrapper(*args: Any, kind: str, color: str, **wishes: Any) -> int:
            out = Output(kind, color)
            try:
                with said(out):
                    return command(*args, out=out, **wishes)
            except Stop:
                pass
            return CANNOT

        return wrapper

    return decorate


output_options = formats("text", "json")


class RulesLanguage(click.ParamType):  # type: ignore[type-arg] # generic only in newer versions of click
    name = "language"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from policy.diagnostic import did_you_mean
        from policy.languages import LANGUAGES

        if value not in LANGUAGES:
            hint = did_you_mean(value, LANGUAGES) or f"there are {', '.join(LANGUAGES)}"
            self.fail(f"there is no language `{value}`: {hint}", param, ctx)
        return str(value)


def language_option(command: Command) -> Command:
    """Add `--language`."""
    help = "What the rules are written in; found out when it is not said."
    return click.option("--language", type=RulesLanguage(), metavar="NAME", help=help)(command)


@dataclass(frozen=True, slots=True)
class Reading:
    """How rules are read: in which language, and what is known of the host; and which configuration holds.

    *host* is what options say of the host (None: nothing), *ipset* are the files with its sets, *counterpart* is the
    file with its rules for the other IP version.
    """

    language: str | None
    host: Host | None
    config: str | None = None
    isolated: bool = False
    ipset: tuple[str, ...] = ()
    counterpart: str | None = None

    def configuration(self, path: str, whole: bool) -> Configuration | None:
        """Return the configuration for what is at *path*, if there is one: *whole*, or how files are read alone."""
        from policy.app.config.read import configuration

        return None if self.isolated else configuration(path, self.config, whole)

    def at(self, path: str) -> Reading:
        """Return how the file at *path* is read: as the options say, else as the configuration does."""
        configured = self.configuration(path, whole=False)
        given = configured.given(path) if configured else {}
        host = self.host if self.host is not None else given.get("local")
        sets = self.ipset or tuple(given.get("ipset", ()))
        return Reading(self.language or given.get("language"), host, ipset=sets)

    @property
    def known(self) -> Host:
        """What is known of the host beside its rules and its sets."""
        return self.host or UNKNOWN_HOST

    def read(self, path: str) -> Ruleset:
        """Return the rules at *path*, `-` for standard input."""
        from policy.app.load import load, load_sets, read_source

        rules = load(read_source(path), self.language, self.known | load_sets(self.ipset))
        gc.freeze()
        gc.enable()
        return rules

    def host_of(self, path: str) -> Host:
        """Return what is known of the host whose rules are at *path*, beside these."""
        hosts = (self.at(each).known for each in (path, self.counterpart) if each is not None)
        return reduce(or_, hosts, UNKNOWN_HOST)

    def pair(self, path: str) -> tuple[Ruleset, ...]:
        """Return the rules at *path*, and those at *counterpart* if there are such."""
        one = self.at(path).read(path)
        if self.counterpart is None:
            return (one,)
        from policy.app.counterpart import together

        other = self.counterpart
        if path == other == "-":
            raise click.UsageError("only one thing can be read from standard input", click.get_current_context())
        return together(one, lambda language: replace(self, language=language).at(other).read(other), self.language)


def reading_options(command: Command) -> Command:
    """Add `--language`, `--local`, `--ipset`, `--config` and `--no-config`: the command gets `reading`."""

    @language_option
    @click.option(
        "--local",
        multiple=True,
        metavar="ADDR",
        help="The host's own address or prefix, or ADDR/LENGTH@INTERFACE; several times.",
    )
    @click.option(
        "--ipset",
        multiple=True,
        metavar="FILE",
        help="Sets that rules ask for, as `ipset save` writes them; several times.",
    )
    @click.option("--config", metavar="FILE", help="The configuration; by default the nearest above the files.")
    @click.option("--no-config", "isolated", is_flag=True, help="Read no configuration.")
    @wraps(command)
    def wrapper(
        *args: Any,
        language: str | None,
        local: tuple[str, ...],
        ipset: tuple[str, ...],
        config: str | None,
        isolated: bool,
        **wishes: Any,
    ) -> int:
        if config and isolated:
            raise click.UsageError("either `--config` or `--no-config`, not both", click.get_current_context())
        return command(*args, reading=Reading(language, _host(local), config, isolated, ipset), **wishes)

    return wrapper


def pair_options(command: Command) -> Command:
    """Add `--with` to what `reading_options` adds: `reading.pair` gives the rules."""

    @click.option("--with", "counterpart", metavar="FILE", help="The rules of the same host for the other IP version.")
    @reading_options
    @wraps(command)
    def wrapper(*args: Any, counterpart: str | None, reading: Reading, **wishes: Any) -> int:
        return command(*args, reading=replace(reading, counterpart=counterpart), **wishes)

    return wrapper


def _host(texts: tuple[str, ...]) -> Host | None:
    found = UNKNOWN_HOST
    for text in texts:
        try:
            found |= own(text)
        except ValueError as error:
            raise click.UsageError(f"--local: {error}", click.get_current_context()) from None
    return found if texts else None

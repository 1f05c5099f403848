"""A process of its own that the kernel is asked in: its namespace holds the rules, and ends with it."""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from policy._record import dataclass
from policy.kernel.named import named_devices
from policy.kernel.tools import Failed, Unavailable, found, run

if TYPE_CHECKING:
    from policy.host import Host
    from policy.kernel.devices import Devices
    from policy.kernel.judge import Judge
    from policy.kernel.play import Player, Ruling, Talk

BACKENDS = ("nft", "legacy")
_ABSENT = "No such file or directory"
"""The back ends of iptables, in the order in which they are tried."""

_PATIENCE = 600
"""Seconds that an answer may take."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is loaded: rules, what is known of their host, and its sets as `ipset save` writes them.

    Packets of one IP version are put to them. With *nftables* they are for `nft`, else for (ip6)tables-restore.
    """

    text: str
    family: int
    host: Host
    sets: str = ""
    nftables: bool = False


class Kernel:
    """The kernel of this machine with some rules, in a process of its own; raises `Unavailable` where it cannot be had.

    *by* says what decides: the version of the kernel, and of the tool that loaded the rules.
    """

    def __init__(self, rules: Rules) -> None:
        if not hasattr(os, "fork") or not Path("/proc/self/ns").exists():
            raise Unavailable("this is not Linux")
        ours, theirs = get_context("fork").Pipe()
        with warnings.catch_warnings():
            # Newer versions of Python warn of other threads, which the child has nothing to do with.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = get_context("fork").Process(target=_serve, args=(theirs, ours, rules), daemon=True)
            self._process.start()
        theirs.close()
        self._connection = ours
        try:
            self.by = str(self._answer())
        except Unavailable:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def rule(self, talks: Sequence[Talk], looping: bool = False) -> list[tuple[Ruling, ...]]:
        """Return what the kernel decides about all packets of each talk; raises `Unavailable`.

        *looping*: what the host sends to itself is followed until it has come back.
        """
        self._connection.send((talks, looping))
        found = self._answer()
        assert isinstance(found, list)
        return found

    def close(self) -> None:
        """End the process, and with it the namespace."""
        self._connection.close()
        self._process.join(1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _answer(self) -> object:
        try:
            if not self._connection.poll(_PATIENCE):
                raise Unavailable(f"no answer in {_PATIENCE} s")
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise Unavailable("the process that asks it has ended") from None
        if isinstance(answer, Unavailable):
            raise answer
        return answer


def _serve(connection: Connection, theirs: Connection, rules: Rules) -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is asking ends, and then this process does
    theirs.close()
    answer: object
    with suppress(EOFError, OSError):
        try:
            player, answer = _begin(rules)
        except (Unavailable, Failed) as error:
            connection.send(Unavailable(str(error)))
            return
        connection.send(answer)
        while True:
            talks, looping = connection.recv()
            try:
                answer = player.rule(talks, looping)
            except Exception as error:  # noqa: BLE001 # whatever it is, the answer of fwpolicy stands without the kernel
                answer = Unavailable(f"an error inside: {error!r}")
            connection.send(answer)


def _begin(rules: Rules) -> tuple[Player, str]:
    """Enter a namespace and load the rules; return who answers for them, and what loaded them."""
    from policy.kernel.devices import Devices
    from policy.kernel.namespace import enter
    from policy.kernel.place import Place
    from policy.kernel.play import Player

    foreign = enter()
    try:
        devices = Devices(rules.family)
        place = Place(devices, rules.family, rules.host)
        if rules.sets:
            _load_sets(rules.sets)
    except OSError as error:
        raise Unavailable(error.strerror or str(error)) from None
    judge, tool = _loaded(devices, rules)
    text = rules.text.upper()
    untracks, statuses = "NOTRACK" in text, "--CTSTATUS" in text or re.search(r"\bCT\W+STATUS\b", text) is not None
    version = run(tool, "--version").strip()
    release = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()
    return Player(judge, place, untracks=untracks, statuses=statuses, foreign=foreign), f"Linux {release}, {version}"


def _refusal(error: Failed, text: str) -> str:
    """Return what of a text a tool refuses, and why, in its words without its name and its hints."""
    from policy.kernel.judge import refused_line

    line = refused_line(error)
    said = [part for part in str(error).split(" | ") if not part.startswith(("Try ", "Error occurred at line"))]
    said = said[:1] if said[0].startswith("/dev/stdin:") else said  # nft shows the text, too
    reason = re.sub(r"^ip6?tables-\S+ v\S+ \(\w+\): |^/dev/stdin:\S+ Error: ", "", " | ".join(said)).rstrip(".")
    what = "the rules" if line is None else f"line {line} of the rules"
    if line is not None and "flowtable" in text.splitlines()[line - 1] and _ABSENT in reason:  # the devices are there
        return f"{what}: this kernel has no flowtables (CONFIG_NF_FLOW_TABLE)"
    return f"{what}: {reason}" if reason else what


def _load_sets(text: str) -> None:
    try:
        run("ipset", "restore", stdin=text)
    except Failed as error:
        raise Unavailable(f"it refuses the sets: {error}") from None


def _loaded(devices: Devices, rules: Rules) -> tuple[Judge, str]:
    """Return a judge that has loaded the rules, and the tool that could; raises `Unavailable` where none can."""
    from policy.kernel.judge import NFTABLES, Judge

    refused: str | None = None
    prefix = "ip6tables" if rules.family == 6 else "iptables"
    tools = {backend: f"{prefix}-{backend}-restore" for backend in BACKENDS}
    if rules.nftables:
        tools = {NFTABLES: "nft"}
    missing = " and no ".join(f"`{tool}`" for tool in tools.values())
    tools = {backend: tool for backend, tool in tools.items() if found(tool)}
    if not tools:
        raise Unavailable(f"no {missing} here")
    for backend, tool in tools.items():
        judge = Judge(devices, rules.family, backend)
        if rules.nftables:
            devices.add(named_devices(rules.text))
        try:
            judge.load(rules.text)
        except Failed as error:
            refused = refused or f"{tool} refuses {_refusal(error, rules.text)}"
        else:
            return judge, tool
    raise Unavailable(refused or "the rules cannot be loaded")

"""What the kernel decides: load rules, inject packets, see where each came to and as what it left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from policy.kernel.conntrack import Connection, Conntrack
from policy.kernel.devices import Devices
from policy.kernel.probe import Probe
from policy.kernel.recorder import Record, Recording, Way, recorder, table_of
from policy.kernel.tools import Failed, Unavailable, run
from policy.kernel.wire import build
from policy.netfilter import BUILT_IN

_WAIT = ("-w", "20")
_LIBERAL = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")
_TRIAL = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m state --state NEW\nCOMMIT\n"
_NFT_TRIAL = "table inet trial { chain input { type filter hook input priority 0; ct state new counter; }\n}\n"
NFTABLES = "nftables"
"""The back end of rules that `nft` loads."""
_NOTING = Recording()


class Judge:
    """One IP version and one back end: `nft` or `legacy` of iptables, or `nftables`; in the namespace of `enter`.

    Raises `Unavailable` where the machine lacks something.
    """

    def __init__(self, devices: Devices, family: int, backend: str) -> None:
        self._devices = devices
        self._family = family
        self._backend = backend
        self._restore = f"ip{'6' if family == 6 else ''}tables-{backend}-restore"
        self._tables = list(BUILT_IN)
        try:
            run("nft", "-f", "-", stdin=recorder(family, _NOTING))
            self._conntrack = Conntrack(family)
            self._conntrack.flush()
            # All probes have the same sequence numbers: a reply would be out of the window.
            _LIBERAL.write_text("1", encoding="ascii")
            self._put(_NFT_TRIAL if backend == NFTABLES else _TRIAL)
        except (Failed, OSError) as error:
            raise Unavailable(f"netfilter does not work here: {error}") from None
        if backend == "legacy":
            self._tables = [table for table in BUILT_IN if self._loads(_empty(table))]
        self.forget()

    def load(self, text: str) -> None:
        """Load rules in the place of earlier ones; raises `Failed` where the kernel, or the tool, refuses it."""
        self.forget()
        self._put(text)

    def _put(self, text: str) -> None:
        if self._backend == NFTABLES:
            run("nft", *(("-j",) if text.lstrip().startswith("{") else ()), "-f", "-", stdin=text)
        else:
            run(self._restore, *_WAIT, stdin=text)

    def forget(self) -> None:
        """Take all rules away."""
        run("nft", "flush", "ruleset")
        if self._backend == "legacy":
            run(self._restore, *_WAIT, stdin="".join(map(_empty, self._tables)))

    def judge(
        self,
        probes: Sequence[Probe],
        recording: Recording = _NOTING,
        known: Sequence[tuple[Connection, bool]] | None = (),
    ) -> list[Way]:
        """Inject the packets, one after the other; they have the numbers from 1 on in a *recording*.

        Connections that are *known* before have seen a reply where True stands beside them; with None, those of the
        last time are still known, else forgotten.
        """
        run("nft", "-f", "-", stdin=recorder(self._family, recording))
        if known is not None and recording.tracked:
            self._conntrack.flush()
            for connection, replied in known:
                self._conntrack.add(connection, replied)
        for number, probe in enumerate(probes, 1):
            self._devices.send(probe, build(probe, number))
        self._devices.drain()
        record = Record(run("nft", "-j", "list", "table", *table_of(self._family).split()), recording.looping)
        return [record.way(number, probe.hook == "output") for number, probe in enumerate(probes, 1)]

    def _loads(self, text: str) -> bool:
        try:
            run(self._restore, *_WAIT, stdin=text)
        except Failed:
            return False
        return True


def refused_line(error: Failed) -> int | None:
    """Return the number of the line that a tool refused, None where it says none."""
    found = re.search(r"line:? ?(\d+)|^/dev/stdin:(\d+)", str(error))
    return int(found[1] or found[2]) if found else None


def _empty(table: str) -> str:
    return f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in BUILT_IN[table]) + "COMMIT\n"

"""What the kernel decides: load a dump, inject packets, see at which of them the end of the hook was reached."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.kernel.conntrack import Connection, Conntrack
from tests.kernel.net import Failed, Net, Unavailable, run
from tests.kernel.packets import Probe
from tests.kernel.rulesets import CHAINS
from tests.kernel.wire import build
from tests.kernel.world import World

_FIRST, _LAST = -2147483646, 2147483646
_AFTER_CONNTRACK = -199
_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}
_DIRECTIONS = {0: "original", 1: "reply"}
_HOOKS = ("input", "forward", "output")
_MOST_REFUSED = 12


@dataclass(frozen=True)
class Seen:
    """What became of one packet: `allow`, `block`, or nothing, when it did not come to its hook (or more than once)."""

    verdict: str | None
    length: int
    state: dict[str, str]


class Judge:
    """One IP version and one back end of iptables, in the namespace that `net.enter` made; raises `Unavailable`."""

    entering: type[Conntrack] = Conntrack
    """What enters connections before the packets come."""

    def __init__(self, world: World, backend: str) -> None:
        self._family = world.family
        self._backend = backend
        self._net = Net(world)
        self._restore = f"ip{'6' if world.family == 6 else ''}tables-{backend}-restore"
        self._tables = list(CHAINS)
        try:
            run("nft", "-f", "-", stdin=_recorder(world.family, tracked=True))
            self._conntrack = self.entering(world.family)
            self._conntrack.flush()
            run(
                self._restore, "-w", "20", stdin="*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m state --state NEW\nCOMMIT\n"
            )
        except (Failed, OSError) as error:
            raise Unavailable(f"netfilter does not work here: {error}") from None
        if backend == "legacy":
            self._tables = [table for table in CHAINS if self._loads(_empty(table))]

    def load(self, lines: Sequence[str], tracked: bool) -> list[str]:
        """Load a dump without the lines that the kernel refuses; return what it has loaded. Raises `Failed`."""
        lines = list(lines)
        for _ in range(_MOST_REFUSED):
            self._forget()
            try:
                run(self._restore, "-w", "20", stdin="\n".join(lines) + "\n")
            except Failed as error:
                found = re.search(r"line:? ?(\d+)", str(error))
                if found is None or lines[int(found[1]) - 1] == "COMMIT":
                    raise
                del lines[int(found[1]) - 1]
            else:
                run("nft", "-f", "-", stdin=_recorder(self._family, tracked))
                return lines
        raise Failed("too many lines are refused")

    def judge(
        self, probes: Sequence[Probe], tracked: bool, connections: Sequence[tuple[Connection, bool]]
    ) -> list[Seen]:
        """Inject the packets; *connections* are known before, those with True have seen a reply."""
        # The recorder starts empty each time.
        table = f"{'ip' if self._family == 4 else 'ip6'} kernel_judge"
        run("nft", "-f", "-", stdin=f"delete table {table}\n" + _recorder(self._family, tracked))
        if tracked:
            self._conntrack.flush()
            for connection, replied in connections:
                self._conntrack.add(connection, replied)
        lengths = []
        for number, probe in enumerate(probes, 1):
            data = build(probe, number)
            lengths.append(len(data))
            self._net.send(probe, data)
        self._net.drain()
        sets = elements(json.loads(run("nft", "-j", "list", "table", *table.split())))
        times = Counter(pair[0] for pair in sets.get("state", []))
        states, directions = dict(sets.get("state", [])), dict(sets.get("direction", []))
        begun, ended = ({hook: set(sets[f"{when}_{hook}"]) for hook in _HOOKS} for when in ("first", "last"))
        seen = []
        for number, (probe, length) in enumerate(zip(probes, lengths, strict=True), 1):
            verdict = None
            if number in begun[probe.hook] and times[number] < 2:
                verdict = "allow" if number in ended[probe.hook] else "block"
            state = {}
            if number in states:
                state["state"] = _STATES.get(states[number], str(states[number]))
                if state["state"] in ("new", "established", "related") and number in directions:
                    state["direction"] = _DIRECTIONS.get(directions[number], str(directions[number]))
            seen.append(Seen(verdict, length, state))
        return seen

    def _loads(self, lines: str) -> bool:
        try:
            run(self._restore, "-w", "20", stdin=lines)
        except Failed:
            return False
        return True

    def _forget(self) -> None:
        run("nft", "flush", "ruleset")
        if self._backend == "legacy":
            run(self._restore, "-w", "20", stdin="".join(map(_empty, self._tables)))


def _empty(table: str) -> str:
    return f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in CHAINS[table]) + "COMMIT\n"


def _recorder(family: int, tracked: bool) -> str:
    """Return a table that notes who came to a hook, as what, and who came to its end; nobody gets further.

    Packets without a socket at OUTPUT are the host's own, answers of REJECT for example.
    """
    table, key = ("ip", "ip id") if family == 4 else ("ip6", "ip6 flowlabel")
    sets = {f"{when}_{hook}": key for when in ("first", "last") for hook in _HOOKS}
    note = ""
    if tracked:
        sets |= {"state": f"{key} . ct state", "direction": f"{key} . ct direction"}
        note = f"update @state {{ {key} . ct state }}; update @direction {{ {key} . ct direction }};"
    lines = [f"set {name} {{ typeof {kind}; size 65535; flags dynamic; }}" for name, kind in sets.items()]
    for hook in _HOOKS:
        first, who = (_AFTER_CONNTRACK, "meta skuid 0-4294967294 ") if hook == "output" else (_FIRST, "")
        for when, priority, then in (("first", first, note), ("last", _LAST, "drop;")):
            name = f"{when}_{hook}"
            begin = f"chain {name} {{ type filter hook {hook} priority {priority};"
            lines.append(f"{begin} {who}update @{name} {{ {key} }}; {then} }}")
    return f"table {table} kernel_judge {{\n" + "\n".join(lines) + "\n}\n"


def elements(listing: Any) -> dict[str, list[Any]]:
    """Return the elements of each set, tuples where they are several values."""
    found = {}
    for each in listing["nftables"]:
        if "set" in each:
            elements = each["set"].get("elem", [])
            found[each["set"]["name"]] = [tuple(one["concat"]) if isinstance(one, dict) else one for one in elements]
    return found

"""What the kernel does to a packet on its whole way: where it comes to, and with which header it leaves."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.kernel.conntrack import Conntrack
from tests.kernel.net import Net, run
from tests.kernel.packets import Probe
from tests.kernel.rulesets import CHAINS
from tests.kernel.wire import build
from tests.kernel.world import World

_FIRST, _AFTER_CONNTRACK, _LAST = -2147483646, -199, 2147483646
_RECORDER = "kernel_way"
_HOOKS = ("input", "output", "forward")
_FIELDS = ("src", "dst", "sport", "dport", "out")
_PORTS = "meta l4proto { tcp, udp, sctp, udplite, dccp }"
_LIBERAL = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")


@dataclass(frozen=True)
class Header:
    """Addresses, ports and the interface by which a packet leaves; what it does not have is None."""

    src: str
    dst: str
    sport: int | None
    dport: int | None
    out: str | None


@dataclass(frozen=True)
class Way:
    """One packet: did it come, in which state was it then, and, if it came through, at which hook and as what."""

    arrived: bool
    state: str | None
    hook: str | None
    header: Header | None


class WayJudge:
    """One IP version and one back end of iptables, in the namespace that `net.enter` made."""

    def __init__(self, world: World, backend: str) -> None:
        self._family = world.family
        self._backend = backend
        self._restore = f"ip{'6' if world.family == 6 else ''}tables-{backend}-restore"
        self._net = Net(world)
        run("nft", "-f", "-", stdin=self._recorder(()))
        self._conntrack = Conntrack(world.family)
        # All probes have the same sequence numbers: a reply would be out of the window.
        _LIBERAL.write_text("1", encoding="ascii")

    def load(self, lines: Sequence[str]) -> None:
        """Load a dump; raises `net.Failed` where the kernel refuses it."""
        run("nft", "flush", "ruleset")
        if self._backend == "legacy":
            run(self._restore, "-w", "20", stdin="".join(map(_empty, CHAINS)))
        run(self._restore, "-w", "20", stdin="\n".join(lines) + "\n")

    def judge(self, probes: Sequence[Probe], *, enter: bool = False, forget: bool = True) -> list[Way]:
        """Inject the packets, one after the other; *forget* the connections that are known before.

        With *enter* those that come through leave an entry: they are let go at the end.
        """
        table = f"{'ip' if self._family == 4 else 'ip6'} {_RECORDER}"
        numbers = range(1, len(probes) + 1)
        recorder = self._recorder(numbers if enter else ())
        run("nft", "-f", "-", stdin=f"table {table}\ndelete table {table}\n" + recorder)
        if forget:
            self._conntrack.flush()
        for number, probe in zip(numbers, probes, strict=True):
            # A socket that is bound to a device sends by it whatever the routing says of a new destination.
            self._net.send(replace(probe, device_out=""), build(probe, number))
        self._net.drain()
        found = _sets(json.loads(run("nft", "-j", "list", "table", *table.split())))
        arrived, states = set(found["arrived"]), dict(found["state"])
        said: dict[str, dict[int, Any]] = {name: dict(pairs) for name, pairs in found.items() if "_" in name}
        ways = []
        for number, probe in zip(numbers, probes, strict=True):
            # What the host sends to itself arrives then, which is another way.
            hooks = ("output",) if probe.hook == "output" else ("input", "forward")
            hook = next((name for name in hooks if number in said[f"{name}_src"]), None)
            values: list[Any] = [said[f"{hook}_{field}"].get(number) for field in _FIELDS] if hook else []
            header = Header(*values) if hook else None
            ways.append(Way(number in arrived, states.get(number), hook, header))
        return ways

    def _recorder(self, known: Collection[int]) -> str:
        """Return a table that notes what comes, and what comes through; there it ends, but for what is *known*."""
        ip, key = ("ip", "ip id") if self._family == 4 else ("ip6", "ip6 flowlabel")
        fields = {
            "src": f"{ip} saddr",
            "dst": f"{ip} daddr",
            "sport": "tcp sport",
            "dport": "tcp dport",
            "out": "meta oifname",
        }
        sets = {"arrived": key, "state": f"{key} . ct state", "known": key}
        # One set with all of it is more than nft 1.0.6 can print.
        sets |= {f"{hook}_{name}": f"{key} . {what}" for hook in _HOOKS for name, what in fields.items()}
        lines = [
            f"set {name} {{ typeof {kind}; size 65535; flags dynamic; "
            + (f"elements = {{ {', '.join(map(str, known))} }};" if name == "known" and known else "")
            + " }"
            for name, kind in sets.items()
        ]
        end = f"{key} @known accept; drop;"
        note = f"update @arrived {{ {key} }}"
        seen = f"update @state {{ {key} . ct state }}"
        mine = "meta skuid 0-4294967294"
        lines += [
            f"chain a {{ type filter hook prerouting priority {_FIRST}; {note}; }}",
            f"chain b {{ type filter hook output priority {_FIRST}; {mine} {note}; {mine} accept; drop; }}",
            f"chain c {{ type filter hook prerouting priority {_AFTER_CONNTRACK}; {seen}; }}",
            f"chain d {{ type filter hook output priority {_AFTER_CONNTRACK}; {seen}; }}",
        ]
        for hook, at, which in (
            ("input", "input", ""),
            ("forward", "postrouting", "meta iif != 0"),
            ("output", "postrouting", "meta iif 0"),
        ):
            noted = {name: f"update @{hook}_{name} {{ {key} . {what} }};" for name, what in fields.items()}
            begin = f"chain end_{hook} {{ type filter hook {at} priority {_LAST - (hook == 'forward')};"
            plain = ("src", "dst") if hook == "input" else ("src", "dst", "out")
            sides = " ".join(f"{which} {noted[name]}" for name in plain)
            ports = " ".join(f"{which} {_PORTS} {noted[name].replace('tcp', 'th')}" for name in ("sport", "dport"))
            lines.append(f"{begin} {sides} {ports} {end if hook != 'forward' else ''} }}")
        return f"table {ip} {_RECORDER} {{\n" + "\n".join(lines) + "\n}\n"


def _empty(table: str) -> str:
    return f"*{table}\n" + "".join(f":{chain} ACCEPT [0:0]\n" for chain in CHAINS[table]) + "COMMIT\n"


def _sets(listing: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in listing["nftables"]:
        if "set" in each:
            elements = each["set"].get("elem", [])
            found[each["set"]["name"]] = [tuple(one["concat"]) if isinstance(one, dict) else one for one in elements]
    return found

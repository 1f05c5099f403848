"""What notes, inside the kernel, where packets come to: a table of nftables around all rules.

Packets are known by their IP id, or their flow label. At the end of their way they are dropped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

from policy._record import dataclass

HOOKS = ("input", "output", "forward")

_FIRST, _BEFORE_RAW, _AFTER_CONNTRACK, _LAST = -2147483646, -301, -199, 2147483646
_NAME = "kernel_judge"
_FIELDS = ("src", "dst", "sport", "dport", "out")
_PORTS = "meta l4proto { tcp, udp, sctp, udplite, dccp }"
_OWN = "meta skuid 0-4294967294"
"""What somebody's socket sends: answers of the host itself, such as those of REJECT, have none."""
_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}
_DIRECTIONS = {0: "original", 1: "reply"}


@dataclass(frozen=True, slots=True)
class Header:
    """Addresses, ports and the interface by which a packet leaves; what it does not have is None."""

    src: str
    dst: str
    sport: int | None
    dport: int | None
    out: str | None


@dataclass(frozen=True, slots=True)
class Way:
    """What became of one packet.

    Did it come, and was its way then looked for; to which hooks did it come, in which state and direction was it behind
    connection tracking; and, if it came through all rules, at which *hook* and with which *header*.
    """

    arrived: bool
    routed: bool = False
    hooks: frozenset[str] = frozenset()
    state: str | None = None
    direction: str | None = None
    hook: str | None = None
    header: Header | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recorder does beside noting, by the numbers of packets.

    Those that are *kept* are let go at the end, so that their connection is entered; those *untracked* pass by
    connection tracking; *marks* are set on what arrives. Not *tracked*: the recorder asks nothing of connection
    tracking, which puts fragments together where anything does. *looping*: what the host
    sends to itself comes back to it.
    """

    tracked: bool = True
    looping: bool = False
    kept: Collection[int] = ()
    untracked: Collection[int] = ()
    marks: Collection[tuple[int, int]] = ()


def table_of(family: int) -> str:
    """Return the name of the recorder's table, behind its family."""
    return f"{_ip(family)} {_NAME}"


def recorder(family: int, recording: Recording) -> str:
    """Return what `nft` loads: an empty recorder, in the place of an earlier one."""
    table, key = table_of(family), _key(family)
    fields = {
        "src": f"{_ip(family)} saddr",
        "dst": f"{_ip(family)} daddr",
        "sport": "th sport",
        "dport": "th dport",
        "out": "meta oifname",
    }
    sets = {"arrived": key, "routed": key, "kept": key, **{f"begun_{hook}": key for hook in HOOKS}}
    if recording.tracked:
        sets |= {"state": f"{key} . ct state", "direction": f"{key} . ct direction"}
    # One set with all of it is more than nft 1.0.6 can print.
    types = {**fields, "sport": "tcp sport", "dport": "tcp dport"}
    sets |= {f"{hook}_{name}": f"{key} . {what}" for hook in HOOKS for name, what in types.items()}
    lines = [_set(name, kind, recording.kept if name == "kept" else ()) for name, kind in sets.items()]
    lines += _beginnings(key, recording)
    for hook, at, which in (
        ("input", "input", ""),
        ("forward", "postrouting", "meta iif != 0"),
        ("output", "postrouting", "meta iif 0"),
    ):
        noted = {name: f"update @{hook}_{name} {{ {key} . {what} }};" for name, what in fields.items()}
        sides = " ".join(f"{which} {noted[name]}" for name in ("src", "dst", *(() if hook == "input" else ("out",))))
        ports = " ".join(f"{which} {_PORTS} {noted[name]}" for name in ("sport", "dport"))
        back = "oifname lo accept; " if hook == "output" and recording.looping else ""
        end = "" if hook == "forward" else f"{back}{key} @kept accept; drop;"
        last = _LAST - (hook == "forward")
        lines.append(f"chain end_{hook} {{ type filter hook {at} priority {last}; {sides} {ports} {end} }}")
    return f"table {table}\ndelete table {table}\ntable {table} {{\n" + "\n".join(lines) + "\n}\n"


def _beginnings(key: str, recording: Recording) -> list[str]:
    """Return the chains that note what comes, to where, and as what."""
    arrived = f"update @arrived {{ {key} }};"
    begun = {hook: f"update @begun_{hook} {{ {key} }};" for hook in HOOKS}
    seen = f"update @state {{ {key} . ct state }}; update @direction {{ {key} . ct direction }};"
    seen = seen if recording.tracked else ""
    marks = " ".join(f"{key} {number} meta mark set {mark};" for number, mark in recording.marks)
    aside = f"{key} {{ {', '.join(map(str, recording.untracked))} }} notrack;" if recording.untracked else ""
    own = f"{_OWN} {arrived} {_OWN} {begun['output']} {_OWN} accept; drop;"
    return [
        f"chain arrive {{ type filter hook prerouting priority {_FIRST}; {arrived} {marks} }}",
        f"chain route {{ type filter hook prerouting priority {_LAST}; update @routed {{ {key} }}; }}",
        f"chain send {{ type filter hook output priority {_FIRST}; {own} }}",
        f"chain arrive_aside {{ type filter hook prerouting priority {_BEFORE_RAW}; {aside} }}",
        f"chain send_aside {{ type filter hook output priority {_BEFORE_RAW}; {aside} }}",
        f"chain arrived_as {{ type filter hook prerouting priority {_AFTER_CONNTRACK}; {seen} }}",
        f"chain sent_as {{ type filter hook output priority {_AFTER_CONNTRACK}; {seen} }}",
        *(
            f"chain begin_{hook} {{ type filter hook {hook} priority {_FIRST}; {begun[hook]} }}"
            for hook in ("input", "forward")
        ),
    ]


class Record:
    """What the recorder has noted; *listing* is what `nft -j list table` says, *looping* as in `Recording`."""

    def __init__(self, listing: str, looping: bool = False) -> None:
        self._looping = looping
        sets = elements(listing)
        states = sets.get("state", [])
        self._times = Counter(number for number, _ in states)
        self._states, self._directions = dict(states), dict(sets.get("direction", []))
        self._arrived, self._routed = set(sets["arrived"]), set(sets["routed"])
        self._begun = {hook: set(sets[f"begun_{hook}"]) for hook in HOOKS}
        self._ended = {name: dict(sets[name]) for name in (f"{hook}_{field}" for hook in HOOKS for field in _FIELDS)}

    def way(self, number: int, sent: bool) -> Way:
        """Return what became of a packet, which the host may have *sent* itself."""
        if number not in self._arrived or self._times[number] > 1:  # one that was in two states came twice
            return Way(arrived=False)
        # What the host sends to itself arrives then, which may be meant as another way.
        hooks = (("input",) if self._loops(number) else ("output",)) if sent else ("input", "forward")
        hook = next((name for name in hooks if number in self._ended[f"{name}_src"]), None)
        values: list[Any] = [self._ended[f"{hook}_{field}"].get(number) for field in _FIELDS] if hook else []
        header = Header(*values) if hook else None
        state = _STATES.get(known, str(known)) if (known := self._states.get(number)) is not None else None
        direction = None
        if state in ("new", "established", "related") and number in self._directions:
            direction = _DIRECTIONS.get(self._directions[number], str(self._directions[number]))
        begun = frozenset(name for name in HOOKS if number in self._begun[name])
        return Way(True, number in self._routed, begun, state, direction, hook, header)

    def _loops(self, number: int) -> bool:
        return self._looping and self._ended["output_out"].get(number) == "lo"


def elements(listing: str) -> dict[str, list[Any]]:
    """Return the elements of each set of what `nft -j list table` says, tuples where they are several values."""
    return {
        each["set"]["name"]: [
            tuple(one["concat"]) if isinstance(one, dict) else one for one in each["set"].get("elem", [])
        ]
        for each in json.loads(listing)["nftables"]
        if "set" in each
    }


def _set(name: str, kind: str, numbers: Collection[int]) -> str:
    inside = f"elements = {{ {', '.join(map(str, numbers))} }};" if numbers else ""
    return f"set {name} {{ typeof {kind}; size 65535; flags dynamic; {inside} }}"


def _ip(family: int) -> str:
    return "ip" if family == 4 else "ip6"


def _key(family: int) -> str:
    return "ip id" if family == 4 else "ip6 flowlabel"

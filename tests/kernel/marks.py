"""Compare what `fwpolicy` says of marks and entries of connections with what this machine's Linux does.

    python -m tests.kernel.marks --seed 1 --rulesets 100 --backend nft --family 4

The rule sets are those of `python -m tests.kernel`, always with connection tracking, with CONNMARK and matches on marks
and entries put in; entries have marks before the packets come. The mark and the status of the connection that a packet
finds are noted before the mangle table, and are part of the question.

Exit status 0: they agree; 1: they do not, or nothing was compared; 77: this machine cannot do it, and says why.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from policy.kernel.conntrack import Connection
from policy.kernel.probe import Probe
from policy.kernel.recorder import elements
from policy.kernel.tools import run
from tests.kernel import __main__ as command
from tests.kernel import compare
from tests.kernel.seen import HookJudge, Seen
from tests.kernel.world import World

_PRIORITY = -199  # behind connection tracking, before the mangle table
_STATUS = {"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8}
_MARKED = (0, 1, 2, 3, 0x10, 0x15)
_MARKS = ("0", "1", "2", "0x10", "0x1/0x1", "0x10/0xf0", "0/0xff", "3", "0x3/0x1", "0x5/0x7")
_MASKS = ("", "", " --mask 0x3", " --nfmask 0xf --ctmask 0x5", " --nfmask 0xf0 --ctmask 0xff", " --ctmask 0x1")
_CHANGES = (
    "--set-mark 1", "--set-mark 0x10/0xf0", "--set-xmark 0x3/0x1", "--or-mark 2", "--and-mark 0xfe", "--xor-mark 0x11",
    "--set-xmark 0xff/0x0", "--set-mark 0", "--save-mark", "--save-mark", "--restore-mark", "--restore-mark",
)  # fmt: skip
_STATUSES = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED", "NONE,CONFIRMED")
_STATES = ("SNAT", "DNAT", "NEW,DNAT", "ESTABLISHED,SNAT", "INVALID,SNAT")


class _Judge(HookJudge):
    """A judge that also says which mark and which status of its connection a packet finds."""

    def __init__(self, world: World, backend: str) -> None:
        super().__init__(world, backend)
        self._ip = "ip" if world.family == 4 else "ip6"

    def judge(
        self, probes: Sequence[Probe], tracked: bool, connections: Sequence[tuple[Connection, bool]]
    ) -> list[Seen]:
        """Inject the packets, as `HookJudge` does; the state says the mark and the status, too."""
        table = f"{self._ip} kernel_marks"
        run("nft", "-f", "-", stdin=f"table {table} {{ }}\ndelete table {table}\n{_recorder(self._ip)}")
        seen = super().judge(probes, tracked, connections)
        found = elements(run("nft", "-j", "list", "table", *table.split()))
        marks = dict(found["ctmark"])
        bits = {bit: set(found[_name(name)]) for name, bit in _STATUS.items()}
        return [
            replace(one, state=one.state | _entry(number, marks, bits)) if "direction" in one.state else one
            for number, one in enumerate(seen, 1)
        ]


def _entry(number: int, marks: dict[int, int], bits: dict[int, set[int]]) -> dict[str, str]:
    status = sum(bit for bit, numbers in bits.items() if number in numbers)
    return {"ctmark": str(marks[number]), "ctstatus": str(status)}


def _name(status: str) -> str:
    return status.replace("-", "_")


def _recorder(ip: str) -> str:
    key = "ip id" if ip == "ip" else "ip6 flowlabel"
    sets = {"ctmark": f"{key} . ct mark"} | {_name(status): key for status in _STATUS}
    lines = [f"set {name} {{ typeof {kind}; size 65535; flags dynamic; }}" for name, kind in sets.items()]
    for hook, who in (("prerouting", ""), ("output", "meta skuid 0-4294967294 ")):
        lines.append(f"chain {hook} {{ type filter hook {hook} priority {_PRIORITY};")
        lines.append(f"{who}update @ctmark {{ {key} . ct mark }}")
        lines += [f"{who}ct status {status} update @{_name(status)} {{ {key} }}" for status in _STATUS]
        lines.append("}")
    return f"table {ip} kernel_marks {{\n" + "\n".join(lines) + "\n}\n"


def _with_marks(r: Random, lines: list[str], world: World) -> list[str]:
    """Return a dump with more targets and matches in some of its rules, and with rules that come first."""
    found = []
    table = ""
    for line in lines:
        if line.startswith("*"):
            table, begun = line[1:], False
        elif not line.startswith(":") and not begun:
            begun = True
            found += _first(r, table, world)
        added = line.startswith("-A") and table != "raw"
        found.append(_with_more(r, line, world) if added else line)
    return found


def _first(r: Random, table: str, world: World) -> list[str]:
    """Return rules that packets meet first: marks that are changed, and verdicts that hang on them."""
    if table == "mangle":
        chains = ("PREROUTING", "PREROUTING", "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "OUTPUT")
        targets = (*(f"CONNMARK {_change(r)}" for _ in range(5)), "MARK --set-mark 5", "MARK --or-mark 0x12")
        rules = [f"-A {r.choice(chains)} -j {r.choice(targets)}" for _ in range(r.choice((0, 2, 4, 6)))]
        return [_with_more(r, rule, world) if r.random() < 0.3 else rule for rule in rules]
    if table == "filter":
        asked = [f"-m mark --mark {r.choice(_MARKS)}" for _ in range(3)] + [_match(r, world) for _ in range(3)]
        verdicts = ("ACCEPT", "DROP")
        hooks = ("INPUT", "FORWARD", "OUTPUT")
        return [f"-A {hook} {r.choice(asked)} -j {r.choice(verdicts)}" for hook in hooks for _ in range(3)]
    return []


def _with_more(r: Random, line: str, world: World) -> str:
    words, dash, target = line.partition(" -j ")
    if not dash:
        words, dash, target = line.partition(" -g ")
    if r.random() < 0.45:
        words += " " + _match(r, world)
    if (target.startswith("MARK") or not dash) and r.random() < 0.6:
        dash, target = " -j ", f"CONNMARK {_change(r)}"
    return words + dash + target


def _change(r: Random) -> str:
    change = r.choice(_CHANGES)
    return change + r.choice(_MASKS) if change in ("--save-mark", "--restore-mark") else change


def _match(r: Random, world: World) -> str:
    sign = "! " * (r.random() < 0.3)
    kind = r.random()
    if kind < 0.3:
        return f"-m connmark {sign}--mark {r.choice(_MARKS)}"
    if kind < 0.45:
        return f"-m conntrack {sign}--ctstatus {r.choice(_STATUSES)}"
    if kind < 0.5:
        return f"-m conntrack {sign}--ctstate {r.choice(_STATES)}"
    if kind < 0.55:
        return f"-m conntrack {sign}--ctproto {r.choice((6, 17, 132))}"
    side = r.choice(("ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"))
    if kind < 0.85:
        behind = [each for addresses in world.behind.values() for each in addresses]
        length = r.choice((8, 24, 32) if world.family == 4 else (16, 64, 128))
        return f"-m conntrack {sign}--{side} {r.choice((*world.sources, *world.local, *behind))}/{length}"
    return f"-m conntrack {sign}--{side}port {r.choice(('22', '53', '80:443', '1024:65535', '0:100'))}"


class _Comparison(compare.Comparison):
    """Always with connection tracking, and with rules on marks."""

    judging = _Judge

    def case(self, r: Random, packets: int) -> compare.Case:
        """Return a random dump with its packets."""
        found = super().case(r, packets)
        while not found.tracked:
            found = super().case(r, packets)
        known = [
            (replace(each, mark=_MARKED[(each.sport + each.dport) % len(_MARKED)]), replied)
            for each, replied in found.connections
        ]
        return replace(found, lines=_with_marks(r, found.lines, self.world), connections=known)


if __name__ == "__main__":
    sys.exit(command.main(_Comparison, "tests.kernel.marks"))

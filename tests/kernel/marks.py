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
from tests.kernel.markrules import with_marks
from tests.kernel.seen import HookJudge, Seen
from tests.kernel.world import World

_PRIORITY = -199  # behind connection tracking, before the mangle table
_STATUS = {"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8}
_MARKED = (0, 1, 2, 3, 0x10, 0x15)


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
        return replace(found, lines=with_marks(r, found.lines, self.world), connections=known)


if __name__ == "__main__":
    sys.exit(command.main(_Comparison, "tests.kernel.marks"))

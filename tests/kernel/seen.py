"""What the kernel decides about packets at one hook, each in the state that connection tracking gave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from policy.kernel.conntrack import Connection
from policy.kernel.devices import LO
from policy.kernel.judge import Judge, refused_line
from policy.kernel.probe import Probe
from policy.kernel.recorder import Recording
from policy.kernel.tools import Failed
from policy.kernel.wire import build
from tests.kernel.world import World, devices

_MOST_REFUSED = 12


@dataclass(frozen=True)
class Seen:
    """What became of one packet: `allow`, `block`, or nothing, when it did not come to its hook."""

    verdict: str | None
    length: int
    state: dict[str, str]


class HookJudge:
    """One back end of iptables on the host of a world; packets are injected at their hook."""

    def __init__(self, world: World, backend: str) -> None:
        self._judge = Judge(devices(world), world.family, backend)
        self.forget = self._judge.forget

    def load(self, lines: Sequence[str]) -> list[str]:
        """Load a dump as `load_accepted` does."""
        return load_accepted(self._judge, lines)

    def judge(
        self, probes: Sequence[Probe], tracked: bool, connections: Sequence[tuple[Connection, bool]]
    ) -> list[Seen]:
        """Inject the packets; *connections* are known before, those with True have seen a reply."""
        # What is for the host itself needs no word of a device.
        sent = [replace(each, device_out="") if each.device_out == LO else each for each in probes]
        ways = self._judge.judge(sent, Recording(tracked=tracked), connections)
        seen = []
        for number, (probe, way) in enumerate(zip(probes, ways, strict=True), 1):
            verdict = None
            if way.arrived and probe.hook in way.hooks:
                verdict = "allow" if way.hook == probe.hook else "block"
            found = {"state": way.state, "direction": way.direction}
            state = {name: value for name, value in found.items() if value is not None}
            seen.append(Seen(verdict, len(build(probe, number)), state))
        return seen


def load_accepted(judge: Judge, lines: Sequence[str]) -> list[str]:
    """Load a dump without the lines that the kernel refuses; return what it has loaded. Raises `Failed`."""
    lines = list(lines)
    for _ in range(_MOST_REFUSED):
        try:
            judge.load("\n".join(lines) + "\n")
        except Failed as error:
            number = refused_line(error)
            if number is None or lines[number - 1] == "COMMIT":
                raise
            del lines[number - 1]
        else:
            return lines
    raise Failed("too many lines are refused")

"""How long scenarios take: 100,000 steps between ten hosts, and a lesson-sized one as a whole process.

    python benchmarks/play.py [STEPS]

Prints seconds and peak memory, beside the limits; the process also as the ratio to the import of lark, three runs each.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from policy.app.load import load
from policy.host import Host, own
from policy.packet.address import parse_address
from policy.packet.fields import TCP
from policy.simulate.play import play
from policy.simulate.scenario import (
    Close,
    Connect,
    Firewall,
    HostSpec,
    Link,
    Listen,
    Network,
    Ports,
    Receive,
    Scenario,
    Send,
    Step,
    Wait,
    Way,
)
from policy.source import Source

HOSTS = 10
STEPS, STEPS_LIMIT, PROCESS_LIMIT = 100_000, 60.0, 0.6
LESSON = Path(__file__).parent.parent / "rules" / "gateway" / "published.scenario.yaml"
RULES = """table inet f {
 chain f {
  type filter hook forward priority 0; policy drop;
  ct state established,related accept
  ct state invalid drop
  tcp dport 80 accept
 }
}
"""


def scenario(count: int) -> Scenario:
    """Return ten hosts around a router with rules, and what they say to each other."""
    gate = {f"e{number}": (Network(parse_address(f"10.{number}.0.1"), 24),) for number in range(HOSTS)}
    known = Host()
    for number in range(HOSTS):
        known |= own(f"10.{number}.0.1/24@e{number}")
    firewall = Firewall(load(Source("gate.nft", RULES), "nftables", known))
    hosts = [HostSpec("gate", gate, forwards=True, firewall=firewall)]
    links = []
    for number in range(HOSTS):
        address = Network(parse_address(f"10.{number}.0.2"), 24)
        way = Way(None, parse_address(f"10.{number}.0.1"))
        hosts.append(HostSpec(f"h{number}", {"eth0": (address,)}, ways=(way,)))
        links.append(Link(f"l{number}", ((f"h{number}", "eth0"), ("gate", f"e{number}"))))
    return Scenario("benchmark", "", tuple(hosts), tuple(links), tuple(steps(count)))


def steps(count: int) -> Iterator[Step]:
    """Yield steps: connections that open, talk and close."""
    chance = random.Random(1)
    web = Ports(TCP, 80, 80)
    open_: list[tuple[str, str]] = []
    for number in range(HOSTS):
        yield Step(Listen(f"h{number}", web, f"w{number}"))
    for number in range(count - HOSTS):
        what = chance.random()
        if what < 0.1 or not open_:
            one, other = chance.sample(range(HOSTS), 2)
            open_.append((f"c{number}", f"w{other}/c{number}"))
            yield Step(Connect(f"h{one}", f"h{other}", web, f"c{number}"))
        elif what < 0.6:
            yield Step(Send(chance.choice(chance.choice(open_)), chance.choice((1, 100, 5000))))
        elif what < 0.8:
            yield Step(Receive(chance.choice(chance.choice(open_)), 0.1))
        elif what < 0.9:
            mine, theirs = open_.pop(chance.randrange(len(open_)))
            yield Step(Close(mine))
            yield Step(Close(theirs))
        else:
            yield Step(Wait(0.5))


def processes(*command: str) -> float:
    """Return the median of the seconds of three processes."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=False, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main() -> None:
    """Measure, and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    made = scenario(count)
    start = time.perf_counter()
    packets = sum(len(done.events) for done in play(made))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(made.steps):,} steps, {packets:,} events: {seconds:.1f} s (limit {STEPS_LIMIT:g}), {memory:.0f} MB")
    lesson, lark = processes("-m", "policy", "play", str(LESSON)), processes("-c", "import lark")
    print(f"play {LESSON.name}: {lesson:.2f} s (limit {PROCESS_LIMIT}), {lesson / lark:.1f} times the import of lark")


if __name__ == "__main__":
    main()

"""Seeded rule files and packets of any size, for the benchmarks."""

import json
import random
from collections.abc import Iterator

PORTS = (22, 25, 53, 80, 110, 143, 443, 445, 993, 1433, 3306, 3389, 5432, 6379, 8080, 8443, 9200)
PROTOCOLS = ("tcp", "tcp", "tcp", "udp")


def _network(rng: random.Random) -> str:
    length = rng.choice((16, 20, 24, 24, 24, 28, 32, 32))
    address = rng.getrandbits(24) | 10 << 24
    address &= ~((1 << 32 - length) - 1)
    return f"{'.'.join(str(address >> shift & 255) for shift in (24, 16, 8, 0))}/{length}"


def native(rules: int, seed: int = 1) -> Iterator[str]:
    """Yield the lines of a policy in the native language."""
    rng = random.Random(seed)
    yield "policy border {"
    yield "    default block"
    for _ in range(rules):
        action = rng.choice(("allow", "allow", "allow", "block"))
        service = f"{rng.choice(PROTOCOLS)}/{rng.choice(PORTS)}"
        yield f"    {action} {service} from {_network(rng)} to {_network(rng)}"
    yield "}"


def iptables(rules: int, seed: int = 1) -> Iterator[str]:
    """Yield the lines of an iptables-save dump."""
    rng = random.Random(seed)
    yield from ("*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]")
    yield "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    for _ in range(rules):
        protocol = rng.choice(PROTOCOLS)
        target = rng.choice(("ACCEPT", "ACCEPT", "ACCEPT", "DROP"))
        ports = f"-p {protocol} -m {protocol} --dport {rng.choice(PORTS)}"
        yield f"-A FORWARD -s {_network(rng)} -d {_network(rng)} {ports} -j {target}"
    yield "COMMIT"


def packets(count: int, seed: int = 2) -> Iterator[str]:
    """Yield packets as JSON lines."""
    rng = random.Random(seed)
    for number in range(count):
        packet = {
            "id": number,
            "hook": "forward",
            "in": "eth0",
            "out": "eth1",
            "src": _network(rng).partition("/")[0],
            "dst": _network(rng).partition("/")[0],
            "proto": rng.choice(PROTOCOLS),
            "sport": rng.randint(32768, 60999),
            "dport": rng.choice(PORTS),
        }
        yield json.dumps(packet)

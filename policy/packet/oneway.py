"""Services that are never answered (`data/oneway.tsv`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from policy.packet.values import Intervals

_FILE = Path(__file__).with_name("data") / "oneway.tsv"


@cache
def one_way_ports() -> Intervals:
    """Return the UDP ports of services that send without ever being answered.

    >>> 514 in one_way_ports()
    True
    """
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[0] for line in lines if line and not line.startswith("#")]
    bounds = [text.partition("-")[::2] for text in texts]
    return Intervals.of(*((int(low), int(high or low)) for low, high in bounds))

"""How often each check has found something."""

from __future__ import annotations

from collections import Counter

from policy._record import dataclass
from policy.app.linted import Linted


@dataclass(frozen=True, slots=True)
class Count:
    """A check, how many findings it has, and how many that comments have silenced."""

    code: str
    name: str
    severity: str
    count: int
    silenced: int


def statistics(linted: Linted) -> list[Count]:
    """Return the checks that have found something, those with the most findings first."""
    found = Counter(finding.code for finding in linted.findings)
    silenced = Counter(finding.code for finding in linted.silenced)
    rows = [
        Count(check.code, check.name, str(check.severity), found[check.code], silenced[check.code])
        for check in linted.checks
        if check.code in found or check.code in silenced
    ]
    return sorted(rows, key=lambda row: (-row.count, row.code))

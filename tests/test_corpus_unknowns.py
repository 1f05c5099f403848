"""How many conditions and actions of real files are not known: a golden file, whose numbers can only go down.

UPDATE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from policy.app.load import load
from policy.diagnostic import Mistakes
from policy.ir import Ruleset, Unknown, UnknownAction, walk
from policy.source import read
from tests.test_iptables_files import inputs

GOLDEN = Path(__file__).parent / "golden" / "corpus" / "unknowns.txt"
HEAD = (
    "# What is not known in the real files of rules, without a word about the host: file, kind, how many.\n"
    "# Every file is here; one without a kind has nothing that is not known.\n"
)


def unknowns(ruleset: Ruleset) -> Counter[str]:
    """Return the kinds of what is not known, by the first word of their keys, with their numbers."""
    rules = [rule for policy in ruleset.policies.values() if not policy.implied for rule in policy.rules]
    found = Counter(
        part.key.partition(":")[0] for rule in rules for part in walk(rule.match) if isinstance(part, Unknown)
    )
    found.update(
        f"-j {action.key.partition(':')[0]}"
        for rule in rules
        for action in rule.actions
        if isinstance(action, UnknownAction)
    )
    return found


def counted(corpus: Path) -> dict[tuple[str, str], int]:
    """Return a number for every file and kind; the empty kind where there is none, 0."""
    counts: dict[tuple[str, str], int] = {}
    for path, _ in inputs(corpus):
        name = path.relative_to(corpus / "iptables").as_posix()
        try:
            found = unknowns(load(read(str(path))))
        except Mistakes:
            found = Counter({"refused": 1})
        counts |= {(name, kind): number for kind, number in found.items()} or {(name, "-"): 0}
    return counts


def test_what_is_not_known_gets_less(corpus: Path) -> None:
    counts = counted(corpus)
    if os.environ.get("UPDATE_GOLDEN"):
        lines = (f"{name}\t{kind}\t{number}\n" for (name, kind), number in sorted(counts.items()))
        GOLDEN.write_text(HEAD + "".join(lines), encoding="utf-8")
    rows = [line.split("\t") for line in GOLDEN.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    allowed = {(name, kind): int(number) for name, kind, number in rows}
    more = {place: number for place, number in counts.items() if number > allowed.get(place, 0)}
    assert not more
    assert dict(counts) == allowed, "less is not known: UPDATE_GOLDEN=1 keeps it so"

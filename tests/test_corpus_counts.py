"""What the default set finds in real files, as counts in a golden file: a change of a check has to explain itself.

UPDATE_GOLDEN=1 writes it anew.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from policy.app.lint import lint
from policy.app.linted import Linting, Treatment
from policy.app.selection import selected
from tests.test_iptables_files import inputs

GOLDEN = Path(__file__).parent / "golden" / "corpus" / "counts.txt"
HEAD = "# Findings of the default set in the real files of rules: check, file, how many.\n"


def counted(corpus: Path) -> str:
    """Return a line for every check and file where it finds anything, and one for what stayed undecided."""
    paths = [path for path, _ in inputs(corpus)]
    found = lint(map(str, paths), Linting(Treatment(selected()), seconds=600.0))
    names = {str(path): path.relative_to(corpus / "iptables").as_posix() for path in paths}
    counts = Counter((each.code, names[each.span.source.name]) for each in found.findings)
    counts.update(("undecided", names[each.span.source.name]) for each in found.undecided)
    return HEAD + "".join(f"{code} {name} {count}\n" for (code, name), count in sorted(counts.items()))


def test_the_findings_on_real_files_are_those_that_were_judged(corpus: Path) -> None:
    text = counted(corpus)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")

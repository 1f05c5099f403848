"""What is read and what is refused, in case files; a chunk that begins with `# ip6tables` is of that language."""

import pytest

from policy.diagnostic import Mistakes
from policy.languages.iptables import read
from policy.source import Source
from tests.casefile import Case, cases

CASES = list(cases("iptables"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    try:
        read(Source("case", case.text), family=6 if case.text.startswith("# ip6tables") else 4)
    except Mistakes as mistakes:
        case.check(mistakes.diagnostics)
    else:
        case.check([])

"""Every mistake of a native file is found in one run, at its place: `tests/cases/native`."""

import pytest

from policy.diagnostic import Mistakes
from policy.languages import front_end
from policy.source import Source
from tests.casefile import Case, cases

CASES = list(cases("native"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    try:
        front_end("native").read(Source(case.name, case.text))
    except Mistakes as mistakes:
        case.check(mistakes.diagnostics)
    else:
        case.check([])

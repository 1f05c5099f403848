"""Checks on rules in real languages: each file in `tests/cases/checks` is about the check in its name."""

import pytest

from policy.app.load import load
from policy.check import Facts
from policy.checks import checks
from policy.diagnostic import Diagnostic
from policy.source import Source
from tests.casefile import Case, cases

CASES = list(cases("checks"))
BY_CODE = {check.code: check for check in checks()}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    check = BY_CODE[case.name.partition("-")[0].upper()]
    assert check.find is not None
    known = Facts(load(Source(case.name, case.text)), settings=check.settings)
    case.check(each for each in check.find(known) if isinstance(each, Diagnostic))

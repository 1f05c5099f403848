"""Checks on rules in real languages: each file in `tests/cases/checks` is about the check in its name."""

import pytest

from policy.checks import checks
from tests.casefile import Case, cases, found

CASES = list(cases("checks"))
BY_CODE = {check.code: check for check in checks()}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    check = BY_CODE[case.name.partition("-")[0].upper()]
    assert check.find is not None
    case.check(found(check, case.text))

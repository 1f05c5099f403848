"""Every check fires where its bad examples say, with the text underlined, and is silent on its good ones."""

from __future__ import annotations

import pytest

from policy.check import Check
from policy.checks import checks
from tests.casefile import found, known, parsed

BAD = [(check, text) for check in checks() for text in check.bad]
GOOD = [(check, text) for check in checks() for text in check.good]


@pytest.mark.parametrize(("check", "text"), BAD, ids=[check.code for check, _ in BAD])
def test_a_bad_example_is_found(check: Check, text: str) -> None:
    case = parsed(check.code, text.lstrip("\n"))
    assert case.expected
    assert {code for _, code, _ in case.expected} == {check.code}
    case.check(found(check, case.text))


@pytest.mark.parametrize(("check", "text"), GOOD, ids=[check.code for check, _ in GOOD])
def test_a_good_example_is_clean(check: Check, text: str) -> None:
    assert known(text.lstrip("\n"), check.settings)  # it can be read: else it is clean of everything
    assert not found(check, text.lstrip("\n"))


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.code)
def test_a_check_is_complete(check: Check) -> None:
    assert check.page.strip()
    assert check.summary.endswith(".")
    assert check.bad
    assert check.good


def test_codes_and_names_are_used_once() -> None:
    assert len({check.code for check in checks()}) == len({check.name for check in checks()}) == len(checks())

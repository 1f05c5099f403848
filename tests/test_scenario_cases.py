"""Every mistake of a scenario is found in one run, at its place: `tests/cases/scenario`."""

import pytest

from policy.app.scenario.read import read_scenario
from policy.diagnostic import Mistakes
from policy.source import Source
from tests.casefile import Case, cases
from tests.test_message_style import wrong

CASES = list(cases("scenario"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    try:
        read_scenario(Source("case.scenario.yaml", case.text))
    except Mistakes as mistakes:
        case.check(mistakes.diagnostics)
        for each in mistakes.diagnostics:
            assert wrong(each.message) is None, each.message
            assert each.help is None or wrong(each.help) is None, each.help
    else:
        case.check([])

"""Messages keep the style of `policy/diagnostic.py`: of mistakes in the case files and cut texts, of all findings."""

import re
from collections.abc import Iterator

from policy.app.checking import Checking, checked
from policy.checks import checks
from policy.diagnostic import Diagnostic, Mistakes
from policy.languages import front_end
from policy.source import Source
from tests.casefile import cases, known, parsed

NAMES = ("COMMIT", "FW", "ICMP", "IPv", "Linux", "MAC", "REJECT", "TCP", "TTL", "UDP", "YAML")
PYTHON = re.compile(r"\b(NoneType|Traceback|ValueError|KeyError|int\(\)|<class|object at 0x|dataclass)\b")


def texts() -> Iterator[tuple[str, str]]:
    for language in ("native", "iptables"):
        for case in cases(language):
            kind = "ip6tables" if case.text.startswith("# ip6tables") else language
            yield kind, case.text
            for part in (3, 2):
                yield kind, case.text[: len(case.text) // part]


def diagnostics() -> Iterator[Diagnostic]:
    for language, text in texts():
        try:
            front_end(language).read(Source("case", text))
        except Mistakes as mistakes:
            yield from mistakes.diagnostics


def findings() -> Iterator[Diagnostic]:
    """Yield what every check says of the bad examples of all."""
    for settings, text in [(check.settings, parsed("", text).text) for check in checks() for text in check.bad]:
        try:
            files = known(text, settings)
        except Mistakes as mistakes:
            yield from mistakes.diagnostics
            continue
        for one in files:
            found = checked(Checking(one.ruleset.sources[0], one), checks())
            yield from (*found.findings, *found.reviewed, *found.silenced)


def wrong(text: str) -> str | None:
    """Return what is wrong with a message or a help, if anything is."""
    if not text or text != text.strip() or "\n" in text:
        return "it is one line of text"
    if text.endswith(".") and not text.endswith(("…", "...")):
        return "it has no final period"
    if text[0].isupper() and not text.startswith(NAMES):
        return "it begins in lower case"
    if PYTHON.search(text):
        return "it does not speak of Python"
    return None


def test_style() -> None:
    found = list(diagnostics())
    assert len(found) > 300
    faults = faults_of(found)
    assert not faults, "\n".join(sorted(faults))


def test_style_of_findings() -> None:
    found = list(findings())
    assert {finding.code for finding in found} == {check.code for check in checks()}
    faults = faults_of(found)
    assert not faults, "\n".join(sorted(faults))


def faults_of(found: list[Diagnostic]) -> set[str]:
    """Return what is wrong with the texts of diagnostics."""
    texts = {text for d in found for text in (d.message, d.help, *(related.message for related in d.related)) if text}
    return {f"{fault}: {text}" for text in texts if (fault := wrong(text))}

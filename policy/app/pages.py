"""What there is to say about a code: the page of a check, or what a mistake is."""

from __future__ import annotations

from policy._record import dataclass
from policy.app.problem import CannotAnswer
from policy.check import Check, Settings
from policy.check.example import shown
from policy.checks import checks
from policy.diagnostic import CODES, Severity, did_you_mean

_MISTAKES: dict[str, str] = {
    "FW001": "The text does not fit the grammar of its language, or a value is none that can stand there.",
    "FW002": "The file is missing, may not be read, is too large, holds no rules, or is no text in UTF-8.",
    "FW003": "An address, a prefix or a mask is none.",
    "FW004": "An include is not followed: there is no such file, or it lies outside of the folder of the first file.",
    "FW005": "A configuration, `fwpolicy.toml` or `[tool.fwpolicy]`, is no TOML, or something in it means nothing.",
    "FW006": "A step of a scenario cannot be done, or a packet's fate hangs on what the scenario does not say.",
    "FW007": "What a lesson says is not so: its proof gives another answer, or a solution is graded otherwise.",
    "FW603": "IPv4 and IPv6 meet in one rule that says nothing of packets of either family, so it can never match.",
    "FW820": "The text is right, but says something that cannot be modelled, not even as unknown.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say about a code.

    *mistake*: it makes a file unreadable, so every command reports it, and nothing silences it. *off* says why the
    check is off unless it is asked for; without it, it is on. *text* is Markdown, its first line the summary.
    *settings* is what the examples were linted with.
    """

    code: str
    name: str
    severity: Severity
    mistake: bool
    off: str
    text: str
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    settings: Settings = Settings()

    @property
    def enabled(self) -> bool:
        """Is the check on unless it is asked for?"""
        return not self.off

    @property
    def summary(self) -> str:
        """The first line of the text."""
        return self.text.partition("\n")[0]


def pages() -> list[Page]:
    """Return the page of every check, and what there is to say about every other mistake, by code."""
    found = {check.code: _page(check) for check in checks()}
    for code, text in _MISTAKES.items():
        if code not in found:
            found[code] = Page(code, CODES[code], Severity.ERROR, True, "", text)
    return [found[code] for code in sorted(found)]


def _page(check: Check) -> Page:
    bad, good = (tuple(shown(example) for example in examples) for examples in (check.bad, check.good))
    mistake = check.find is None and check.review is None
    text = check.page.strip()
    return Page(check.code, check.name, check.severity, mistake, check.off, text, bad, good, check.settings)


def page_of(word: str) -> Page:
    """Return the page of a code or a name, in any case; raises `CannotAnswer` where there is none."""
    known = {key: page for page in pages() for key in (page.code.lower(), page.name)}
    found = known.get(word.lower())
    if found is None:
        names = [key for page in pages() for key in (page.code, page.name)]
        raise CannotAnswer(f"there is no check `{word}`", did_you_mean(word, names) or "docs/checks lists them all")
    return found

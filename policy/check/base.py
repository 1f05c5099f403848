"""A check: its code, its page, its examples, and the function that finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy.change import Fix
from policy.check.settings import Settings
from policy.diagnostic import Diagnostic, Related, Severity
from policy.packet import Packet
from policy.source import Span
from policy.written import Place, Suppression

if TYPE_CHECKING:
    from policy.check.facts import Facts


@dataclass(frozen=True, slots=True)
class Undecided:
    """A place of which a check could not say anything within the budget, and why: "this took more than 3 steps"."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """One lint check.

    *page* is the docstring of its module: what the check says in its first line, then why it matters and what to do,
    in Markdown. *bad* and *good* are texts in any language, with what is expected of each line in a comment at its
    end, as in the case files of the tests: `### FW101 "PATTERN"`. They are the tests of the check and stand on its
    page; *settings* is the configuration that they are linted with. *find* yields the findings in one set of rules, or
    what stayed undecided. *review* does so when all other checks have run, from what they have found. A check with
    neither is a mistake that front ends report. *off* is the reason why it is off unless it is asked for, a sentence; a
    check without one is on.
    """

    code: str
    name: str
    severity: Severity
    page: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    find: Callable[[Facts], Iterator[Diagnostic | Undecided]] | None = None
    review: Callable[[Facts, Review], Iterator[Diagnostic]] | None = None
    off: str = ""
    settings: Settings = field(default_factory=Settings)

    @property
    def enabled(self) -> bool:
        """Is it on unless it is asked for?"""
        return not self.off

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]

    def finding(
        self,
        span: Span,
        message: str,
        *,
        help: str | None = None,
        related: tuple[Related, ...] = (),
        region: str | None = None,
        example: Packet | None = None,
        fix: Fix | None = None,
    ) -> Diagnostic:
        """Return a finding of this check at a place; *region* are the packets that it is about, in words.

        *fix* is what `Facts.fix` offers.
        """
        return Diagnostic(self.code, message, span, help, self.severity, related, self.name, region, example, fix)


@dataclass(frozen=True, slots=True)
class Review:
    """What is known of one set of rules once checks have run.

    *checks* are all that there are, *ran* the codes of those that have run and left nothing undecided, *used* the place
    of each suppression that silenced a finding, with the code of that.
    """

    checks: tuple[Check, ...]
    ran: frozenset[str]
    used: frozenset[tuple[Place, str]]

    def code(self, word: str) -> str | None:
        """Return the code of the check that a code or a name means, None where there is none."""
        return next((check.code for check in self.checks if word in (check.code, check.name)), None)

    def useless(self, suppression: Suppression) -> list[str]:
        """Return the checks that a suppression names, and that have run and found nothing for it."""
        return [
            word
            for word in suppression.checks
            if (code := self.code(word)) in self.ran and (suppression.place, code) not in self.used
        ]

    def in_vain(self, suppression: Suppression) -> bool:
        """Does it silence nothing? One that names no check does not, if all that are on by default have run."""
        if suppression.checks:
            useless = self.useless(suppression)
            return all(word in useless or self.code(word) is None for word in suppression.checks)
        usual = {check.code for check in self.checks if check.enabled and check.find}
        return usual <= self.ran and not any(place == suppression.place for place, _ in self.used)

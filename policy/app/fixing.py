"""Fix what is found, as far as a fix is proved to do what it says: lint, fix, and again until nothing is left."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from functools import partial

from policy._record import dataclass
from policy.app.baseline import Hide
from policy.app.lint import lint
from policy.app.linted import Linted, Linting
from policy.app.load import STANDARD_INPUT, STDIN, load, read_source
from policy.app.unit import Watch
from policy.app.written import Draft
from policy.change import Announced
from policy.diagnostic import Diagnostic, Mistakes
from policy.fix import Attempt, Offer, Refusal, Root, Settled, compared, edited, offers, settle
from policy.languages import formatter, including, sniff
from policy.sets import Budget
from policy.source import Source, real, replaced

MOST_ROUNDS = 20
"""Fixes may make others possible; so often files are linted again."""


@dataclass(slots=True)
class Fixed:
    """What fixing gives: what is found in the new texts, and the *drafts* of the files that change.

    *done* are the findings that were fixed, *refused* the fixes that could not be proved. *stopped*: there was still
    something to fix after `MOST_ROUNDS`.
    """

    linted: Linted
    drafts: list[Draft] = field(default_factory=list)
    done: list[Diagnostic] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    stopped: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each code were fixed."""
        return dict(sorted(Counter(finding.code for finding in self.done).items()))


def fix(
    paths: Iterable[str], how: Linting, unsafe: bool, watch: Watch | None = None, hide: Hide | None = None
) -> Fixed:
    """Return what files become when all that can be is fixed, by *unsafe* fixes too if wanted. Nothing is written.

    Every round is proved, and at last the new texts as a whole against the files as they are. What cannot be proved is
    refused; if it is the whole, everything is. What *hide* takes out of the findings is left as it is.
    """
    fixing = _Fixing(tuple(paths), how, unsafe, watch, hide)
    with replaced(fixing.texts):
        fixing.rounds()
        return fixing.result()


class _Fixing:
    """The state of it: *texts* stand for the files that change, *originals* are those files."""

    def __init__(
        self, paths: tuple[str, ...], how: Linting, unsafe: bool, watch: Watch | None, hide: Hide | None
    ) -> None:
        self.paths = paths
        self.how = how
        self.unsafe = unsafe
        self.watch = watch
        self.hide = hide
        self.texts: dict[str, str] = {}
        self.originals: dict[str, Source] = {}
        self.first: dict[str, Root] = {}  # the rules that change, as they were
        self.announced: list[Announced] = []
        self.done: list[Diagnostic] = []
        self.refused: dict[object, Refusal] = {}
        self.proved = True  # was each file changed once, and compared with what it was?

    def rounds(self) -> None:
        """Lint and fix until nothing is left to fix."""
        if STANDARD_INPUT in self.paths:
            self.texts[STDIN] = read_source(STANDARD_INPUT).text
        self.linted = self.before = self._linted(self.paths)
        self.whole = True  # is it all files that were linted?
        for _ in range(MOST_ROUNDS):
            wanted = [each for each in offers(self.linted.findings, self.unsafe) if _key(each) not in self.refused]
            if not wanted:
                return
            roots = list(self._roots(wanted))
            settled = self._settled(wanted, roots)
            self.refused.update((_key(each.offer), each) for each in settled.refused)
            if settled.accepted:
                self._take(settled, wanted, roots)
            elif not settled.refused:
                return

    def _roots(self, wanted: Sequence[Offer]) -> Iterator[Root]:
        """Yield the rules that fixes may touch, as they are now."""
        touched = {name for offer in wanted for name in _files(offer)}
        for name in self.linted.roots:
            how = self.how.treatment(name)
            text = read_source(STANDARD_INPUT if name == STDIN else name)
            language = how.language or sniff(text.text)
            if real(name) not in touched and including(language) is None:
                continue
            try:
                read = partial(load, language=language, host=how.host)
                yield Root(text, read(text), read)
            except Mistakes:
                continue  # it has been said, and nothing is fixed in it

    def _settled(self, wanted: Sequence[Offer], roots: Sequence[Root]) -> Settled:
        """Settle the fixes of each group of roots by itself."""
        result = Settled()
        for group in _sharing(roots):
            files = frozenset[str]().union(*(root.files for root in group))
            mine = [offer for offer in wanted if _files(offer) <= files]
            if self.watch and mine:
                self.watch(group[0].text.name, "proving fixes")
            found = settle(mine, Attempt(group, self.texts, Budget(self.how.seconds)))
            result.accepted += found.accepted
            result.refused += found.refused
            gc.collect()  # diagrams are large, and refer to themselves: of many files they would fill the memory
        return result

    def _take(self, settled: Settled, wanted: Sequence[Offer], roots: Sequence[Root]) -> None:
        """Make fixes that are proved, and lint again what they are in, and what others are in that were not tried."""
        accepted = settled.accepted
        sources = {real(edit.span.source.name): edit.span.source for o in accepted for edit in o.fix.edits}
        for name, text in sources.items():
            self.originals.setdefault(name, text)
        for root in roots:
            if root.files & sources.keys():
                self.proved = self.proved and root.text.name not in self.first
                self.first.setdefault(root.text.name, root)
        self.announced += [offer.fix.announced for offer in accepted if offer.fix.announced is not None]
        self.done += [offer.finding for offer in accepted]
        self.texts.update(edited(accepted, self.texts))
        for name in sources:
            self._lay_out(name)
        settled_ones = {id(each) for each in (*accepted, *(refusal.offer for refusal in settled.refused))}
        again = sources.keys() | {name for offer in wanted if id(offer) not in settled_ones for name in _files(offer)}
        self._lint([root.text.name for root in roots if root.files & again])

    def _lay_out(self, name: str) -> None:
        """Lay a text out, if that is how it was."""
        before = self.originals[name]
        how = formatter(self.how.treatment(before.name).language or sniff(before.text))
        try:
            if how is not None and how.format(before) == before.text:
                after = how.format(Source(before.name, self.texts[name]))
                self.proved = self.proved and after == self.texts[name]
                self.texts[name] = after
        except Mistakes:
            return  # it is a part of a file, or not laid out so far

    def _lint(self, names: Sequence[str]) -> None:
        self.whole = self.whole and len(names) == len(self.linted.roots)
        paths = self.paths if self.whole else [STANDARD_INPUT if name == STDIN else name for name in names]
        self.linted = self._linted(paths)

    def _linted(self, paths: Iterable[str]) -> Linted:
        linted = lint(paths, self.how, self.watch)
        if self.hide:
            self.hide(linted)
        return linted

    def result(self) -> Fixed:
        """Return what came of it, once it is proved as a whole."""
        if not self.done:
            return Fixed(self.linted, refused=[*self.refused.values()])
        texts = {name: self.texts[name] for name in self.originals}
        if not self.proved:
            budget = Budget(self.how.seconds)
            why = compared(self.first.values(), texts, self.announced, budget, labels=not self.unsafe, exactly=False)
            if why is not None:
                none = [Refusal(Offer(each, each.fix), why) for each in self.done if each.fix]
                return Fixed(self.before, refused=[*self.refused.values(), *none])
        if not self.whole:
            self.linted = self._linted(self.paths)
        drafts = [Draft(text, texts[name]) for name, text in self.originals.items()]
        left = any(_key(each) not in self.refused for each in offers(self.linted.findings, self.unsafe))
        return Fixed(self.linted, drafts, self.done, [*self.refused.values()], left)


def _sharing(roots: Iterable[Root]) -> list[list[Root]]:
    """Return roots in groups that have no file in common."""
    groups: list[tuple[frozenset[str], list[Root]]] = []
    for root in roots:
        files, mine = root.files, [root]
        apart = []
        for theirs, group in groups:
            if theirs & files:
                files, mine = files | theirs, [*group, *mine]
            else:
                apart.append((theirs, group))
        groups = [*apart, (files, mine)]
    return [group for _, group in groups]


def _files(offer: Offer) -> set[str]:
    return {real(edit.span.source.name) for edit in offer.fix.edits}


def _key(offer: Offer) -> object:
    """Return what tells a fix from others though lines have moved."""
    span = offer.finding.span
    return offer.finding.code, span.source.name, span.text, tuple(edit.text for edit in offer.fix.edits)

"""The rules that a scenario names, read as those of the host that they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policy import source
from policy.app.assume import assumptions
from policy.app.config.kinds import At
from policy.app.config.places import Notes, Places
from policy.app.load import load, load_sets
from policy.app.problem import CannotAnswer
from policy.app.scenario.inside import Inside
from policy.diagnostic import Diagnostic, Mistakes, Related
from policy.host import Host
from policy.ir import Ruleset
from policy.simulate.scenario import Firewall
from policy.source import Source, Unreadable


class Firewalls:
    """Reads rules; *mistakes* is what is wrong in them, each place once, however many hosts they stand on."""

    def __init__(self, places: Places, notes: Notes) -> None:
        self._places = places
        self._notes = notes
        self._found: dict[tuple[str, int, str], Diagnostic] = {}

    @property
    def mistakes(self) -> list[Diagnostic]:
        return list(self._found.values())

    def firewall(self, given: Mapping[str, Any], at: At, name: str, host: Host) -> Firewall | None:
        """Return the rules that are said at a place, for the host *name*; None, after noting why, without any."""
        sets = self._sets([self._path(each) for each in given.get("ipset", ())], at.below("ipset"))
        if sets is None or ("text" in given) == ("rules" in given):  # neither, or both, was noted already
            return None
        place = at.below("text" if "text" in given else "rules")
        rules = (self._inside if "text" in given else self._file)(given, name, host | sets, place)
        if rules is None:
            return None
        also = self._file({"rules": given["also"]}, name, host | sets, at.below("also")) if "also" in given else None
        pair = [rules] if also is None else [rules, also]
        return Firewall(
            rules,
            also,
            assume=_assumed(pair, given.get("assume", {}), at.below("assume")),
            timeouts=given.get("timeouts", {}),
            helpers=tuple(given.get("helpers", ())),
            span=self._places.span(place),
        )

    def _path(self, path: str) -> str:
        return str(Path(self._places.source.name).parent / path)

    def _sets(self, paths: list[str], at: At) -> Host | None:
        try:
            return load_sets(paths)
        except Unreadable as error:
            number = paths.index(error.name) if error.name in paths else 0
            at.below(number).wrong(f"`{error.name}`: {error}", error.help, "FW002")
        except Mistakes as mistakes:
            self._note(mistakes, at)
        return None

    def _file(self, given: Mapping[str, Any], _: str, host: Host, at: At) -> Ruleset | None:
        try:
            return load(source.read(self._path(given["rules"])), given.get("language"), host)
        except Unreadable as error:
            at.wrong(f"`{error.name}`: {error}", error.help, "FW002")
        except Mistakes as mistakes:
            self._note(mistakes, at)
        return None

    def _inside(self, given: Mapping[str, Any], name: str, host: Host, at: At) -> Ruleset | None:
        text = Source(f"{self._places.source.name}#{name}", given["text"])
        try:
            return load(text, given.get("language"), host)
        except Unreadable as error:
            at.wrong(f"this {error}", error.help, "FW002")
        except Mistakes as mistakes:
            inside = Inside(self._places.span(at), text)
            self._note(Mistakes(inside.moved(each) for each in mistakes.diagnostics), at)
        return None

    def _note(self, mistakes: Mistakes, at: At) -> None:
        """Note what is wrong with rules, and that the scenario has them."""
        here = Related(self._places.span(at), "the scenario has these rules")
        for each in mistakes.diagnostics:
            key = each.span.source.name, each.span.start, each.message
            self._found.setdefault(key, replace(each, related=(*each.related, here)))


def _assumed(rules: Sequence[Ruleset], said: Mapping[str, bool], at: At) -> Mapping[str, bool]:
    settled: dict[str, bool] = {}
    for key, answer in said.items():
        try:
            settled |= assumptions(rules, [f"{key}={'yes' if answer else 'no'}"])
        except CannotAnswer as error:
            at.below(key, key=True).wrong(str(error), error.help)
    return settled

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
        ipset = at.below("ipset")
        try:
            host |= load_sets([self._path(each) for each in given.get("ipset", ())])
        except Unreadable as error:
            ipset.wrong(f"`{error.name}`: {error}", error.help, "FW002")
        except Mistakes as mistakes:
            self._note(mistakes, ipset)
        if "text" in given:
            place, rules = at.below("text"), self._inside(given, name, host, at.below("text"))
        elif "rules" in given:
            place, rules = at.below("rules"), self._file(given, host, at.below("rules"))
        else:
            return None
        if rules is None:
            return None
        also = self._file({"rules": given["also"]}, host, at.below("also")) if "also" in given else None
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

    def _file(self, given: Mapping[str, Any], host: Host, at: At) -> Ruleset | None:
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
            self._note(mistakes, at)
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

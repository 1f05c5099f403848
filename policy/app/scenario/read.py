"""Read a scenario: all that is wrong with it in one run."""

from __future__ import annotations

from policy import source
from policy.app.config.kinds import At
from policy.app.config.places import Notes
from policy.app.scenario.firewalls import Firewalls
from policy.app.scenario.keys import scenario_table
from policy.app.scenario.networks import Hosts, links_of
from policy.app.scenario.steps import steps_of
from policy.app.scenario.yaml import CODE, YamlNotation, read_yaml
from policy.packet.address import format_address
from policy.simulate.scenario import Scenario
from policy.simulate.topology import circles
from policy.source import Source, Span


def load_scenario(path: str) -> Scenario:
    """Return what the scenario at *path* says, with the rules that it names.

    Raises `source.Unreadable` if it cannot be read, and `diagnostic.Mistakes` with everything that is wrong with it and
    with its rules.
    """
    return read_scenario(source.read(path))


def read_scenario(text: Source) -> Scenario:
    """Return what a scenario says; raises as `load_scenario`. Paths in it begin in the folder of the source."""
    places, collected = read_yaml(text)
    notes = Notes(places, CODE, collected)
    start = At((), notes, YamlNotation(places))
    given = scenario_table().read(places.value, start)
    firewalls = Firewalls(places, notes)
    hosts = Hosts(given.get("hosts", {}), start.below("hosts"), places, firewalls)
    links = links_of(given.get("links", {}), start.below("links"), places, hosts)
    for address, way in circles(hosts.made, links):
        round_ = " → ".join(f"`{name}`" for name in (*way, way[0]))
        start.below("hosts").below(way[0]).wrong(
            f"packets to `{format_address(address)}` go round in a circle: {round_}",
            "change the `routes` of one of them",
            "FW116",
        )
    steps = steps_of(given.get("steps", ()), places, hosts)
    notes.collected.found.extend(firewalls.mistakes)
    notes.collected.check()
    return Scenario(
        given["title"], given.get("about", ""), hosts.made, links, steps, span=Span(text, 0, len(text.text.rstrip()))
    )

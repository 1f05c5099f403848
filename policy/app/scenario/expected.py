"""What a step is expected to end with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policy.app.config.kinds import At
from policy.app.config.places import Places
from policy.app.scenario.networks import Hosts
from policy.app.scenario.sockets import Sockets
from policy.simulate.scenario import Expected

_RULE = re.compile(r"([^:]+):([1-9][0-9]{0,8}|default|state)")


def expected_of(given: Mapping[str, Any], at: At, places: Places, hosts: Hosts, sockets: Sockets) -> Expected:
    """Return what is expected; what is wrong with it is noted."""
    rule = given.get("rule")
    if rule is not None:
        found = _RULE.fullmatch(rule)
        if found is None:
            at.below("rule").wrong(f"`{rule}` names no rule", "write `HOST:LINE`, `HOST:default` or `HOST:state`")
        else:
            hosts.known(found[1], at.below("rule"))
    for name in given.get("states", {}):
        sockets.get(name, at.below("states").below(name, key=True))
    for host in given.get("entries", {}):
        hosts.known(host, at.below("entries").below(host, key=True))
    return Expected(
        given.get("result"),
        rule,
        given.get("states", {}),
        given.get("entries", {}),
        given.get("source"),
        given.get("bytes"),
        given.get("open"),
        given.get("closed"),
        span=places.span(at),
    )

"""No JSON breaks the reading of it: damaged texts, values in wrong places, deep and odd ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy.diagnostic import Mistakes
from policy.languages.nftables import jsontext, nftables
from policy.source import Source
from tests.test_nftables_json import PRINTED, in_rule, parsed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def names(value: Any) -> set[str]:
    """Return the names of all members of a value."""
    if isinstance(value, dict):
        return set(value).union(*map(names, value.values()))
    return set().union(*map(names, value)) if isinstance(value, list) else set()


KNOWN = sorted(set().union(*(names(said) for _, said in PRINTED)))
WORDS = ["@s", "*", "ip", "tcp", "add", "==", "in", ""]
nft_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 70000) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(nft_values, max_size=3))
def test_no_values_break_it(values: list[Any]) -> None:
    parsed(json.dumps({"nftables": [in_rule(*values), *values, *({"add": each} for each in values)]}))


@given(json_values)
def test_places_are_those_of_the_standard_reader(value: Any) -> None:
    said = json.dumps(value, allow_nan=False) if _finite(value) else "[]"
    if _finite(value) and _fits(value):
        assert _plain(jsontext.tree.read_json(Source("", said))) == json.loads(said)


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_fits(each) and _fits(key) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _plain(node: Any) -> Any:
    if isinstance(node.value, dict):
        return {name: _plain(each) for name, each in node.value.items()}
    return [_plain(each) for each in node.value] if isinstance(node.value, list) else node.value


GOOD = json.dumps({"nftables": [{"metainfo": {}}, {"table": {"name": "t"}}, in_rule(*(said for _, said in PRINTED))]})


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 20), st.text(max_size=3))
def test_no_damage_breaks_it(at: int, length: int, more: str) -> None:
    parsed(GOOD[:at] + more + GOOD[at + length :])


# Whole sets of rules, in which a value stands where another one is wanted

TABLES: list[Any] = [
    {"table": {"family": "inet", "name": "t"}},
    {"set": {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "elem": ["1.1.1.1"]}},
    {"set": {"family": "inet", "table": "t", "name": "d", "type": "ipv4_addr", "flags": ["timeout"]}},
    {
        "map": {
            "family": "inet",
            "table": "t",
            "name": "m",
            "type": "ipv4_addr",
            "map": "mark",
            "elem": [["::1", 1]],
        }
    },
    {"chain": {"family": "inet", "table": "t", "name": "x"}},
    {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}},
]


def parts(value: Any) -> Iterator[Any]:
    """Yield a value and all that is in it."""
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(each)


STATEMENTS = [said for _, said in PRINTED]
POOL = [*parts(STATEMENTS), *parts(TABLES)]


def swapped(value: Any, at: int, other: Any) -> tuple[Any, int]:
    """Return a value with *other* instead of its part number *at*, and how many parts there were."""
    if at == 0:
        return other, 1
    count = 1
    if isinstance(value, dict | list):
        made: Any = {} if isinstance(value, dict) else []
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            new, more = swapped(each, at - count, other)
            if isinstance(made, dict):
                made[name] = new
            else:
                made.append(new)
            count += more
        return made, count
    return value, count


def read(text: str) -> None:
    with suppress(Mistakes):
        nftables.read(Source("rules.json", text))


def said(commands: list[Any]) -> str:
    return json.dumps({"nftables": commands})


@given(st.sampled_from(STATEMENTS), st.integers(0, 12), st.sampled_from(POOL), st.booleans())
def test_no_value_in_a_wrong_place_breaks_what_rules_mean(statement: Any, at: int, other: Any, more: bool) -> None:
    new, _ = swapped(statement, at, other)
    rule: Any = in_rule(new, *([{"accept": None}] if more else []))
    rule["rule"]["family"] = "inet"
    read(said([*TABLES, rule]))


@given(st.integers(1, 60), st.sampled_from(POOL))
def test_no_value_in_a_wrong_place_breaks_tables(at: int, other: Any) -> None:
    rule = in_rule({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@s"}})
    rule["rule"]["family"] = "inet"
    new, _ = swapped([*TABLES, rule], at, other)
    read(said(new))

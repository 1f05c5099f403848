"""YAML is read as PyYAML writes it, and each place is that of what was read there."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policy.app.scenario.read import read_scenario
from policy.app.scenario.yaml import read_yaml
from policy.diagnostic import Mistakes
from policy.source import Source
from tests.command import ROOT
from tests.scenarios import RIGHT, SMALL


class Plain(yaml.SafeDumper):
    """Writes what stands twice twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


BREAKS = "\r\x85\u2028\u2029\ufeff"
"""What PyYAML does not read as it was written."""

TEXTS = st.text(st.characters(exclude_characters=BREAKS, exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["no", "on", "010", "22:22", "~", "<<", "=", "a: b", "# c", "::1", "- d", "é", "a\nb\n", " e ", "192.0.2.1", "0x10"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS | st.sampled_from([0.5, -1.25, 3.0])
KEYS = TEXTS.filter(lambda key: key not in ("", "<<") and len(key.encode()) < 100)


def values(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(scalars, lambda some: st.lists(some, max_size=4) | st.dictionaries(KEYS, some, max_size=4))


def written(value: Any, flow: bool | None, width: int) -> str:
    return yaml.dump(value, Dumper=Plain, default_flow_style=flow, width=width, allow_unicode=True, sort_keys=False)


DOCUMENTS = st.dictionaries(KEYS, values(SCALARS), min_size=1, max_size=4)


@given(DOCUMENTS, st.sampled_from([True, False, None]), st.sampled_from([20, 80]))
def test_what_was_written_is_read(value: dict[str, Any], flow: bool | None, width: int) -> None:
    places, found = read_yaml(Source("x", written(value, flow, width)))
    assert not found.found
    assert places.value == value


@given(DOCUMENTS)
def test_places_are_those_of_what_stands_there(value: dict[str, Any]) -> None:
    text = written(value, True, 1 << 20)
    assume(text.count("\n") == 1)  # of several lines the first is underlined
    places, _ = read_yaml(Source("x", text))
    for path, span in places.values.items():
        assert yaml.safe_load(span.text) == reached(value, path)
    for path, span in places.keys.items():
        assert str(yaml.load(span.text.removeprefix("? "), yaml.BaseLoader)) == path[-1]  # noqa: S506 (texts alone)


def reached(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


VALIDATOR = jsonschema.Draft7Validator(
    json.loads((ROOT / "schemas" / "scenario.schema.json").read_text(encoding="utf-8"))
)
TREES = [yaml.load(text, yaml.BaseLoader) for text in (SMALL, RIGHT)]  # noqa: S506 (of texts alone)
ODD = SCALARS | st.sampled_from([[], {}, ["server"], {"by": "shop"}, "server", "shop", "tcp/1", "5s", 7, "10.0.0.1/8"])


def damaged(value: Any, data: st.DataObject) -> Any:
    """Return a value with one thing in it that is another."""
    if not isinstance(value, list | dict) or not value or data.draw(st.integers(0, 5)) == 0:
        return data.draw(ODD)
    if isinstance(value, list):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], damaged(value[at], data), *value[at + data.draw(st.integers(0, 1)) :]]
    key = data.draw(st.sampled_from(list(value)))
    changed = {**value, key: damaged(value[key], data)}
    if data.draw(st.integers(0, 5)) == 0:
        del changed[key]
    return changed


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_other_values_are_mistakes_or_right(data: st.DataObject) -> None:
    tree = data.draw(st.sampled_from(TREES))
    for _ in range(data.draw(st.integers(1, 4))):
        tree = damaged(tree, data)
    text = yaml.dump(tree, Dumper=Plain, sort_keys=False).replace("'yes'", "yes").replace("'no'", "no")
    try:
        read_scenario(Source("x.scenario.yaml", text))
    except Mistakes:
        return
    assert VALIDATOR.is_valid(read_yaml(Source("x", text))[0].value), "the schema takes what is right"

"""Text and JSON of the same rules give the same tree, in one form (`tests/nftables_canonical.py`).

The numbers are what was reached: fewer is a regression, and more is to be written here.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from policy.diagnostic import Collector
from policy.languages.nftables import jsontext, text
from policy.languages.nftables.ast.command import Add, Rule
from policy.languages.nftables.parse import parse, parse_rule
from policy.languages.nftables.script import run
from policy.languages.nftables.state import State
from policy.source import Source, Span
from tests.nftables_canonical import rule, state
from tests.nftables_listed import listed, rules
from tests.nftables_upstream import lines

RULE = '{{"nftables": [{{"rule": {{"table": "t", "chain": "c", "expr": {}}}}}]}}'

PAIRS = 1549
"""Of the rules that nftables itself has as text and as JSON (`*.t`, `*.t.json`) so many have the same tree."""
PRINTED = 1611
"""So many of those are printed as script text that is read as the same tree."""
LISTED = 1478
"""Of the rules of `*.t` that this machine's nft loads so many have the same tree in both of its listings."""
AS_NFT = 1344
"""So many of those are printed, out of the JSON, as nft prints them, to the letter."""


def read(script: str) -> Rule | None:
    return parse_rule(Span(Source("", script), 0, len(script)))


def of_json(statements: str) -> Rule | None:
    mistakes = Collector()
    tree = jsontext.parse(Source("", RULE.format(statements)), mistakes)
    if mistakes.found:
        return None
    (command,) = tree.commands
    assert isinstance(command, Add)
    assert isinstance(command.what, Rule)
    return command.what


def pairs(corpus: Path) -> Iterator[tuple[str, str]]:
    """Yield rules of nftables' own tests as text and as JSON."""
    for path in sorted((corpus / "nftables").glob("upstream_py_*.t.json")):
        for part in re.split(r"(?m)^# ", path.read_text(encoding="utf-8")):
            line, _, rest = part.partition("\n")
            statements = "\n".join(each for each in rest.splitlines() if not each.startswith("#"))
            if statements.strip():
                yield line, statements


def test_upstream_pairs(corpus: Path) -> None:
    found: Counter[str] = Counter()
    for line, statements in pairs(corpus):
        script, made = read(line), of_json(statements)
        same = script is not None and made is not None and rule(script) == rule(made)
        found["same" if same else "not"] += 1
        if made is not None:
            again = read(text.rule(made))
            found["printed"] += 1
            found["read again"] += again is not None and rule(again) == rule(made)
    assert found["same"] + found["not"] >= 1630
    assert found["same"] >= PAIRS, found
    assert found["read again"] >= PRINTED, found


def states(script: str, json: str) -> tuple[State, State]:
    """Return what a script and a JSON text make; both are read without a mistake."""
    made = []
    for source, read in ((Source("text", script), parse), (Source("json", json), jsontext.parse)):
        mistakes = Collector()
        made.append(run(read(source, mistakes), source, mistakes))
        assert not mistakes.found, [(each.message, each.span.text[:80]) for each in mistakes.found]
    return made[0], made[1]


def test_upstream_lines_as_nft_lists_them(corpus: Path, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    scripts: defaultdict[str, list[str]] = defaultdict(list)
    for line in lines(corpus):
        if line.ok:
            scripts[line.file].append(line.scripts[0])
    for name, each in scripts.items():
        folder = tmp_path / name
        folder.mkdir()
        script, json, loaded = listed(each, folder)
        found["loaded"] += loaded
        source, mistakes = Source("json", json), Collector()
        made = run(jsontext.parse(source, mistakes), source, mistakes)
        assert not mistakes.found, [(mistake.message, mistake.span.text) for mistake in mistakes.found]
        as_text = rules(script)
        for (family, table), here in made.tables.items():
            for chain in here.chains.values():
                texts = as_text[family, table, chain.name]
                assert len(texts) == len(chain.rules)
                for line_text, tree in zip(texts, chain.rules, strict=True):
                    again = read(line_text)
                    found["same"] += again is not None and rule(again) == rule(tree)
                    found["as nft"] += text.rule(tree) == line_text
    assert found["same"] >= LISTED, found
    assert found["as nft"] >= AS_NFT, found


def files(corpus: Path) -> list[Path]:
    folder = corpus / "nftables"
    return sorted([*folder.glob("*.nft"), *folder.glob("upstream_files/*.nft")])


def test_real_files_as_nft_lists_them(corpus: Path, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for path in files(corpus):
        folder = tmp_path / path.stem
        folder.mkdir()
        script, json, loaded = listed([path.read_text(encoding="utf-8")], folder)
        if not loaded:
            continue
        found["loaded"] += 1
        one, other = states(script, json)
        for key, mine in state(one, listed=True).items():
            assert state(other, listed=True)[key] == mine, (path.name, key)
        found["same"] += 1
    assert found["same"] == found["loaded"] >= 25, found


def json_files(corpus: Path) -> list[Path]:
    return sorted((corpus / "nftables").glob("nftables-rs_*.json"))


def test_real_json_files_are_read(corpus: Path) -> None:
    for path in json_files(corpus):
        source, mistakes = Source(path.name, path.read_text(encoding="utf-8")), Collector()
        made = jsontext.parse(source, mistakes)
        assert not mistakes.found, (path.name, [each.message for each in mistakes.found])
        said = json.loads(source.text)["nftables"]
        assert len(made.commands) == sum("metainfo" not in each for each in said)

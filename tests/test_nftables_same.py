"""Text and JSON of the same rules give the same tree, in one form (`tests/nftables_canonical.py`).

The numbers are what was reached: fewer is a regression, and more is to be written here.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from policy import ir
from policy.diagnostic import Collector, Mistakes
from policy.fix.proof import prove
from policy.ir import All, Either, Not, Note, Policy, Ruleset, Unknown, UnknownAction
from policy.languages.nftables import jsontext, nftables, text
from policy.languages.nftables.ast.command import Add, Rule
from policy.languages.nftables.ast.expression import Verdict
from policy.languages.nftables.ast.statement import Nat, Queue, Reject, VerdictMap
from policy.languages.nftables.parse import parse, parse_rule
from policy.languages.nftables.script import run
from policy.languages.nftables.state import State
from policy.sets import Budget
from policy.source import Source, Span
from tests.nftables_canonical import rule, state
from tests.nftables_listed import each_listed, listed, rules
from tests.nftables_upstream import lines

RULE = '{{"nftables": [{{"rule": {{"table": "t", "chain": "c", "expr": {}}}}}]}}'

PAIRS = 1559
"""Of the rules that nftables itself has as text and as JSON (`*.t`, `*.t.json`) so many have the same tree."""
PRINTED = 1621
"""So many of those are printed as script text that is read as the same tree."""
LISTED = 1496
"""Of the rules of `*.t` that this machine's nft loads so many have the same tree in both of its listings."""
MEANT = 1511
"""So many scripts with one rule of `*.t` mean what nft lists of them in JSON when it has loaded them."""
AS_NFT = 1347
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
                    found["rules"] += 1
                    found["same"] += again is not None and rule(again) == rule(tree)
                    found["as nft"] += text.rule(tree) == line_text
    assert found["same"] >= LISTED, found
    assert found["as nft"] >= AS_NFT, found


def lowered(script: str) -> Ruleset | None:
    try:
        return nftables.read(Source("", script))
    except Mistakes:
        return None


def same_meaning(one: Ruleset, other: Ruleset) -> bool:
    """Are all rules alike, or is it proved that they do the same to every packet?"""
    one, other = wordless(one), wordless(other)
    if one.policies == other.policies and one.entries == other.entries:
        return True
    return prove(one, other, (), Budget(seconds=20.0)) is None


def wordless(ruleset: Ruleset) -> Ruleset:
    return replace(ruleset, policies={name: without_words(policy) for name, policy in ruleset.policies.items()})


def without_words(tree: Any) -> Any:
    """Return a part of the IR without the texts of what is unknown: these are for people."""
    if isinstance(tree, Unknown | UnknownAction):
        return replace(tree, text="")
    if isinstance(tree, Note):
        return Note("")
    if isinstance(tree, tuple):
        return tuple(map(without_words, tree))
    if isinstance(tree, ir.Rule | Policy | All | Either | Not):
        return replace(
            tree, **{each.name: without_words(getattr(tree, each.name)) for each in fields(tree) if each.compare}
        )
    return tree


def with_verdict(script: str) -> str:
    """Return a script whose last rule does something, so that it matters what it matches."""
    line = script.rstrip().rpartition("\n")[2]
    tree = read(line.split(maxsplit=5)[5]) if line.startswith("add rule ") else None
    if tree is None or any(isinstance(each, Verdict | VerdictMap | Nat | Reject | Queue) for each in tree.statements):
        return script
    return f"{script.rstrip()} drop\n"


def test_scripts_mean_what_their_listing_in_json_means(corpus: Path, tmp_path: Path) -> None:
    """A script as its author wrote it, and what nft lists in JSON when it has loaded that."""
    found: Counter[str] = Counter()
    scripts = [with_verdict(line.scripts[0]) for line in lines(corpus) if line.ok]
    for script, listing in zip(scripts, each_listed(scripts, tmp_path), strict=True):
        if not listing:
            continue
        one, other = lowered(script), lowered(listing)
        if one is not None and other is not None:
            found["same" if same_meaning(one, other) else "other"] += 1
    assert found["same"] >= MEANT, found


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


def test_real_files_mean_what_their_listing_in_json_means(corpus: Path, tmp_path: Path) -> None:
    paths = files(corpus)
    found: Counter[str] = Counter()
    for path, listing in zip(
        paths, each_listed([path.read_text(encoding="utf-8") for path in paths], tmp_path), strict=True
    ):
        if not listing:
            continue
        found["loaded"] += 1
        one, other = lowered(path.read_text(encoding="utf-8")), lowered(listing)
        assert one is not None, path.name
        assert other is not None, path.name
        assert same_meaning(one, other), path.name
    assert found["loaded"] >= 25, found


def json_files(corpus: Path) -> list[Path]:
    return sorted((corpus / "nftables").glob("nftables-rs_*.json"))


def test_real_json_files_are_read(corpus: Path) -> None:
    for path in json_files(corpus):
        source, mistakes = Source(path.name, path.read_text(encoding="utf-8")), Collector()
        made = jsontext.parse(source, mistakes)
        assert not mistakes.found, (path.name, [each.message for each in mistakes.found])
        said = json.loads(source.text)["nftables"]
        assert len(made.commands) == sum("metainfo" not in each for each in said)

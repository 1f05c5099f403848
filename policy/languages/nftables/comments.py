"""Comments in scripts, those that rules were made of, and what a script includes."""

from __future__ import annotations

import re
from pathlib import Path

from policy.ir import Ruleset
from policy.languages.nftables.ast.expression import Verdict
from policy.languages.nftables.ast.statement import Match, Nat, Reject, VerdictMap
from policy.languages.nftables.parse import parse_rule
from policy.languages.nftables.split import blanked, split
from policy.source import Source, Span

_SIGNS = re.compile(r"#[# \t]*")
_INCLUDE = re.compile(r'include\s+"([^"\n]*)"')


def comments(source: Source) -> list[Span]:
    """Return the comments of a text, each from its sign to its end, in order."""
    return [Span(source, piece.start, piece.end) for piece in split(source.text) if piece.kind == "comment"]


def disabled(ruleset: Ruleset) -> list[Span]:
    """Return the comments that would be rules without their sign: something is asked for, and something done."""
    texts = [source for source in ruleset.sources if not source.text.lstrip().startswith("{")]
    return [span for source in texts for span in comments(source) if _is_rule(span.text)]


def _is_rule(comment: str) -> bool:
    sign = _SIGNS.match(comment)
    text = "" if sign is None else comment[sign.end() :].rstrip().rstrip(";")
    if not text:
        return False
    found = parse_rule(Span(Source("", text), 0, len(text)))
    if found is None:
        return False
    kinds = {type(each) for each in found.statements}
    return bool(kinds & {Match, VerdictMap}) and bool(kinds & {Verdict, VerdictMap, Reject, Nat})


def includes(source: Source) -> list[str]:
    """Return the paths of the files that a text includes; wildcards give those that are there."""
    if source.name.startswith("<"):
        return []
    folder = Path(source.name).parent
    found: list[str] = []
    for piece in split(source.text):
        said = _INCLUDE.match(blanked(source.text[piece.start : piece.end])) if piece.kind == "statement" else None
        if said is None or Path(said[1]).is_absolute():
            continue
        wild = any(sign in said[1] for sign in "*?[")
        found += sorted(map(str, folder.glob(said[1]))) if wild else [str(folder / said[1])]
    return found

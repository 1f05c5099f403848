"""The tests that nftables itself has for its language (`tests/py/*.t`), as scripts: which are read, which refused.

A file names chains (`:name;what it is`), tables (`*family;name;chains`), sets (`!name type`), elements (`?set …`),
objects (`%name type …`) and rules, each with `ok` or `fail` behind it. Every line becomes a script for each of the
file's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from policy.diagnostic import Diagnostic, Mistakes
from policy.languages.nftables import read
from policy.source import Source

_PARTS = re.compile(r"(?<!\\);")
_MARKED = re.compile(r"(?P<said>.*?);\s*(?P<mark>ok|fail)\s*(?:;.*)?")
_OBJECT = re.compile(r"(?:ct (?:helper|timeout|expectation)|counter|quota|limit|secmark|synproxy)")


@dataclass(frozen=True)
class Line:
    """A line of such a test: what stands in it, what is expected, and the scripts that it becomes."""

    file: str
    text: str
    ok: bool
    scripts: tuple[str, ...]


@dataclass
class _File:
    name: str
    chains: dict[str, str] = field(default_factory=dict)
    tables: list[tuple[str, str, list[str]]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)  # with the name of the table as `TABLE`

    def line(self, text: str) -> Line | None:
        parts = [part.replace("\\;", ";") for part in _PARTS.split(text)]
        if (marked := _MARKED.fullmatch(text)) is not None:
            parts = [marked["said"].replace("\\;", ";"), marked["mark"]]
        sign, rest = text[0], parts[0][1:]
        match sign:
            case ":":
                self.chains[rest] = parts[1]
                return None
            case "*":
                self.tables.append((rest, parts[1], parts[2].split(",")))
                return None
        command = self._command(sign, rest, parts[0])
        ok = len(parts) > 1 and parts[1].strip() == "ok"
        if command is None or len(parts) < 2 or parts[1].strip() not in ("ok", "fail"):
            return None
        found = Line(self.name, text, ok, tuple(self._scripts(command)))
        if sign in "!?%" and ok:
            self.made.append(command)
        return found

    def _command(self, sign: str, rest: str, whole: str) -> str | None:
        match sign:
            case "!":
                name, _, kind = rest.partition(" ")
                is_map = " : " in kind
                said = re.sub(r" (?=flags |timeout |size |gc-interval )", "; ", kind)
                return f"add {'map' if is_map else 'set'} TABLE {name} {{ {said}; }}"
            case "?":
                name, _, elements = rest.partition(" ")
                return f"add element TABLE {name} {{ {elements} }}"
            case "%":
                name, _, kind = rest.partition(" type ")
                found = _OBJECT.match(kind)
                what = found[0] if found else kind.split()[0]
                inside = kind[len(what) :].strip()
                inside = inside[1:-1] if inside.startswith("{") else inside
                return f"add {what} TABLE {name}" + (f" {{ {inside}; }}" if inside else "")
            case "-" | "#":
                return None
        return f"add rule TABLE CHAIN {whole}"

    def _scripts(self, command: str) -> Iterator[str]:
        for family, name, chains in self.tables:
            for chain in chains:
                head = [f"add table {family} {name}"]
                head += [f"add chain {family} {name} {each} {{ {self.chains[each]}; }}" for each in chains]
                lines = [*self.made, command]
                body = [each.replace("TABLE", f"{family} {name}").replace("CHAIN", chain) for each in lines]
                yield "\n".join((*head, *body)) + "\n"
                if "CHAIN" not in command:
                    break


def lines(corpus: Path) -> Iterator[Line]:
    """Yield all lines of all files that say what is expected."""
    for path in sorted((corpus / "nftables").glob("upstream_py_*.t")):
        file = _File(path.name.removeprefix("upstream_py_"))
        for text in path.read_text(encoding="utf-8").splitlines():
            if text.strip() and not text.startswith("#"):
                found = file.line(text.strip())
                if found is not None:
                    yield found


def refusals(text: str) -> list[Diagnostic]:
    """Return what is wrong with a script."""
    try:
        read(Source("<text>", text))
    except Mistakes as mistakes:
        return mistakes.diagnostics
    return []

"""Which of many texts are the rules of one host for the two IP versions: those whose names say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath

from policy.languages import sniff
from policy.source import Source

_FAMILY = {"iptables": "4", "ip6tables": "6"}


def pairs(texts: Iterable[Source], language: Callable[[str], str | None]) -> list[tuple[Source, ...]]:
    """Return the texts in their order, each alone or with its counterpart; *language* says what one is written in.

    Two dumps belong together that are in one folder, one of iptables and one of ip6tables, and whose names are the same
    but for the IP version (`stem`); not where three or more are.
    """
    texts = list(texts)
    alike: dict[tuple[str, str], list[tuple[str, Source]]] = {}
    for text in texts:
        family = _FAMILY.get(language(text.name) or sniff(text.text))
        if family is not None and not text.name.startswith("<"):
            path = PurePath(text.name)
            alike.setdefault((str(path.parent), stem(path.name, family)), []).append((family, text))
    partner: dict[Source, Source] = {}
    for found in alike.values():
        if sorted(family for family, _ in found) == ["4", "6"]:
            (_, one), (_, other) = found
            partner |= {one: other, other: one}
    done: set[Source] = set()
    together: list[tuple[Source, ...]] = []
    for text in texts:
        if text not in done:
            unit = (text, partner[text]) if text in partner else (text,)
            done.update(unit)
            together.append(unit)
    return together


def stem(name: str, family: str) -> str:
    """Return the name of a file without what says its IP version, `4` or `6`.

    >>> stem("host.save6", "6"), stem("rules.v4", "4"), stem("before6.rules", "6"), stem("web.ip6tables", "6")
    ('host.save', 'rules', 'before.rules', 'web.iptables')
    """
    lower = name.lower()
    mark = rf"(?<=ip){family}(?=tables)|[._-]?(?:ip)?v{family}(?![0-9a-z])|(?<![0-9v.]){family}(?![0-9a-z])"
    return re.sub(mark, "", lower)

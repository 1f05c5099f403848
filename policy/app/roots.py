"""Which of many texts are to be read: not those that others of them include, which are read with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from policy import source
from policy.languages import including, sniff
from policy.source import Source, Unreadable

Language = Callable[[str], str | None]
"""Says what the file of a name is written in, where that is known."""


def roots(texts: Iterable[Source], language: Language) -> list[Source]:
    """Return the texts that no other one includes, and one of every circle; in their order."""
    known = {source.real(text.name): text for text in texts}
    below = {name: set(_included(text, language)) - {name} for name, text in known.items()}
    included = set().union(*below.values())
    seen: set[str] = set()
    chosen: set[str] = set()
    for name in (*(known.keys() - included), *sorted(known.keys() & included)):
        if name not in seen:
            chosen.add(name)
            seen |= _reached(name, below, language)
    return [text for name, text in known.items() if name in chosen]


def _reached(start: str, below: dict[str, set[str]], language: Language) -> set[str]:
    """Return what a file includes, directly or not; *below* learns of files that are not yet in it."""
    seen: set[str] = set()
    left = [start]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in below:
            try:
                below[name] = set(_included(source.read(name), language))
            except Unreadable:
                below[name] = set()
        left += below[name]
    return seen


def _included(text: Source, language: Language) -> Iterator[str]:
    front_end = including(language(text.name) or sniff(text.text))
    return map(source.real, front_end.includes(text)) if front_end else iter(())

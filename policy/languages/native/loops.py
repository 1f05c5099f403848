"""Names that are explained by names: in which order, and where that goes round in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from policy._record import dataclass
from policy.diagnostic import Collector, Related
from policy.question.ast import Word


@dataclass(frozen=True, slots=True)
class Order:
    """The names of a graph, each behind those that it uses, and the loops in it as the words that close them."""

    names: tuple[str, ...]
    loops: tuple[tuple[Word, ...], ...]


def order(graph: Mapping[str, Sequence[Word]]) -> Order:
    """Return the order of *graph*, which has for every name the places where its text uses names."""
    done: dict[str, None] = {}
    loops = []
    for root in graph:
        if root in done:
            continue
        path = [root]
        words: list[Word] = []
        inside = {root}
        todo = [iter(graph[root])]
        while todo:
            word = next((w for w in todo[-1] if w.text in graph and w.text not in done), None)
            if word is None:
                todo.pop()
                name = path.pop()
                inside.discard(name)
                done[name] = None
                if words:
                    words.pop()
            elif word.text in inside:
                loops.append((*words[path.index(word.text) :], word))
            else:
                path.append(word.text)
                words.append(word)
                inside.add(word.text)
                todo.append(iter(graph[word.text]))
    return Order(tuple(done), tuple(loops))


def report(loops: Iterable[Sequence[Word]], verb: str, collector: Collector) -> set[str]:
    """Note every loop; return the names that stand in one."""
    found: set[str] = set()
    for loop in loops:
        if collector.full:
            break
        names = [word.text for word in loop]
        found.update(names)
        shown = [names[-1], *names] if len(names) <= 8 else [names[-1], *names[:4], "…", *names[-3:]]
        way = f" {verb} ".join(f"`{name}`" if name != "…" else name for name in shown)
        related = tuple(Related(word.span, f"`{word.text}` is used here") for word in loop[:-1])
        collector.add("FW116", f"this goes round in a circle: {way}", loop[-1].span, "take one of them out", related)
    return found

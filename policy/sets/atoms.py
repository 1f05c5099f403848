"""Interface names as atoms: the classes of names that no pattern in use tells apart, numbered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, product
from string import ascii_lowercase

from policy.packet import Intervals, Names

_USUAL = ("eth0", "eth1", "wan0")


@dataclass(frozen=True, slots=True)
class Atom:
    """One name, or (*open*) all that begin with *text* and are in no other atom."""

    text: str
    open: bool = False

    def __str__(self) -> str:
        return f"{self.text}+" if self.open else self.text


class Atoms:
    """The atoms of all *sets* of names in use. Every name is in exactly one; the last is any other name."""

    def __init__(self, sets: Iterable[Names]) -> None:
        sets = tuple(sets)
        self.exact = sorted(frozenset[str]().union(*(names.exact for names in sets)))
        self.prefixes = sorted(frozenset({""}).union(*(names.prefixes for names in sets)), reverse=True)
        self.all: Sequence[Atom] = (
            *(Atom(name) for name in self.exact),
            *(Atom(prefix, open=True) for prefix in self.prefixes),
        )
        self._exact, self._prefixes = frozenset(self.exact), frozenset(self.prefixes)
        self._numbers = {atom: number for number, atom in enumerate(self.all)}

    def number(self, name: str) -> int:
        """Return the number of the atom that a name is in."""
        atom = Atom(name)
        if atom not in self._numbers:
            atom = Atom(self._longest(name), open=True)
        return self._numbers[atom]

    def numbers(self, names: Names) -> Intervals:
        """Return the atoms that make up a set of names; raises ValueError for a set that cuts an atom."""
        if not (names.exact <= self._exact and names.prefixes <= self._prefixes):
            raise ValueError("these interface names were not said when the space was made")
        held = [self._numbers[Atom(name)] for name in names.exact]
        if names.prefixes:
            beginnings = tuple(names.prefixes)
            held += [number for number, atom in enumerate(self.all) if atom.text.startswith(beginnings)]
        found = Intervals.of(*held)
        return Intervals.of((0, len(self.all) - 1)) - found if names.negated else found

    def example(self, number: int) -> str:
        """Return a name of an atom, a usual one if there is any."""
        atom = self.all[number]
        if not atom.open:
            return atom.text
        words = ("".join(letters) for length in count(1) for letters in product(ascii_lowercase, repeat=length))
        made_up = (f"{atom.text}{word}0" for word in words)
        numbered = (f"{atom.text}{n}" for n in range(1000) if atom.text)
        for names in (_USUAL, numbered, made_up):
            for name in names:
                if name not in self.exact and self._longest(name) == atom.text:
                    return name
        raise AssertionError("there are more names than patterns")

    def names(self, numbers: Intervals) -> Names | None:
        """Return the set of names that atoms make up, or None where it cannot be written as one."""
        for negated in (False, True):
            inside = [atom for n, atom in enumerate(self.all) if (n in numbers) is not negated]
            open_ = [atom.text for atom in inside if atom.open]
            prefixes = frozenset(p for p in open_ if not any(p != q and p.startswith(q) for q in open_))
            exact = frozenset(a.text for a in inside if not a.open and not a.text.startswith(tuple(prefixes)))
            found = Names(exact, prefixes, negated)
            if self.numbers(found) == numbers:
                return found
        return None

    def text(self, numbers: Intervals) -> str:
        """Return a set of atoms for people: `eth0, wan+`, `any but lo`, or `wan+ except wan0`."""
        chosen = [n for low, high in numbers.ranges for n in range(low, high + 1)]
        rest = [n for n in range(len(self.all)) if n not in numbers]
        if Atom("", open=True) in (self.all[n] for n in chosen):
            return f"any but {self._list(rest)}" if rest else "any"
        return self._list(chosen)

    def _list(self, numbers: list[int]) -> str:
        left, parts = list(numbers), []
        for n in sorted(numbers, key=lambda n: (not self.all[n].open, self.all[n].text)):
            atom = self.all[n]
            if n not in left:
                continue
            inside = [m for m, other in enumerate(self.all) if atom.open and other.text.startswith(atom.text)]
            without = [str(self.all[m]) for m in inside if m not in numbers]
            left = [m for m in left if m not in inside and m != n]
            parts.append(str(atom) + (f" except {' and '.join(without)}" if without else ""))
        return ", ".join(sorted(parts))

    def _longest(self, name: str) -> str:
        return next(prefix for prefix in self.prefixes if name.startswith(prefix))

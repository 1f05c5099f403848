"""A set while its file is read: what `create` said of it, and the elements so far.

Sources: ipset(8); ipset's lib/ipset_*.c; the kernel's net/netfilter/ipset/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from policy._record import dataclass
from policy.ipset import NOMATCH, TIMED, TYPES, Element, Interface, NamedSet, Part, SetType
from policy.languages.ipset.options import LONGEST_TIMEOUT, Given, create_options, family, number
from policy.languages.ipset.values import Wrong, address, addresses, bounded, ports
from policy.packet.address import bits

MOST_IN_BITMAP = 1 << 16
USUAL_MOST = 1 << 16
_ALL_BITS = (1 << 32) - 1


@dataclass(slots=True)
class Making:
    """A set that is read.

    *timeout* is that of elements that do not say one, None where the set has none; *supported* are the extensions
    that elements may have. At *most* so many fit. *bounds* are those of a bitmap.
    """

    known: NamedSet
    elements: dict[Element, int]
    most: int
    timeout: int | None = None
    supported: frozenset[str] = frozenset()
    bounds: tuple[int, int] | None = None
    header: tuple[object, ...] = ()
    named: dict[Part, list[Element]] = field(default_factory=dict)
    """The elements that name interfaces, by their networks."""

    def add(self, element: Element, timeout: int | None, nomatch: bool) -> None:
        """Put in an element, or say something else of one that is there; raises `Wrong`."""
        if self.bounds is not None:
            low, high = self.bounds
            place = element[0]
            one, other = place if isinstance(place, tuple) else (place, place)
            assert isinstance(one, int)
            assert isinstance(other, int)
            if not (low <= one and other <= high):
                raise Wrong("FW001", "the element is out of the range of the set", 2, "see the `range` of its `create`")
        if self.known.type.name == "bitmap:ip,mac":
            self.remove(element)
        elif self.known.type.name == "hash:net,iface":
            element = self._same(element)
            if element not in self.elements:
                self.named.setdefault(element[0], []).append(element)
        gone = self.timeout if timeout is None else timeout
        if element not in self.elements and len(self.elements) >= self.most:
            raise Wrong("FW001", f"the set is full: it takes {self.most:,} elements", 2, "raise its `maxelem`")
        self.elements[element] = (TIMED if gone else 0) | (NOMATCH if nomatch else 0)

    def remove(self, element: Element) -> None:
        """Take out an element, if it is there."""
        if self.known.type.name == "bitmap:ip,mac":
            # An address has one MAC, which need not be said.
            for each in [each for each in self.elements if each[0] == element[0]]:
                del self.elements[each]
        else:
            self.elements.pop(self._same(element), None)

    def clear(self) -> None:
        """Take out all elements."""
        self.elements.clear()
        self.named.clear()

    def _same(self, element: Element) -> Element:
        """Return the element that the kernel takes this one for: with a wildcard there, all that begins so is it."""
        wanted = element[-1]
        if isinstance(wanted, Interface):
            for each in self.named.get(element[0], ()):
                there = each[-1]
                assert isinstance(there, Interface)
                same = wanted.name.startswith(there.name) if there.wildcard else wanted.name == there.name
                if same and there.port == wanted.port and each in self.elements:
                    return each
        return element


def created(words: Sequence[str], name: str) -> Making:
    """Return what a line `create NAME TYPE …` makes; raises `Wrong`."""
    type = _type(words[2])
    options = create_options(words, 3, type)
    version = family(options.get("family"), type)
    known = NamedSet(name, type, version, {}, *_masks(version, options))
    supported = frozenset({"counters", "comment", "skbinfo", "timeout"} & options.keys())
    timeout = number(options["timeout"], 0, high=LONGEST_TIMEOUT) if "timeout" in options else None
    for each in ("hashsize", "bucketsize", "initval", "size", "markmask"):
        number(options.get(each), 0)
    bounds, most = None, number(options.get("maxelem"), USUAL_MOST)
    if type.method == "bitmap":
        bounds = _bounds(type, options.get("range"), known.mask)
        most = MOST_IN_BITMAP
    elif type.method == "list":
        most = _ALL_BITS
    header = (type, version, known.mask, known.markmask, timeout, bounds)
    making = Making(known, {}, most, timeout, supported, bounds, header)
    making.known = NamedSet(name, type, version, making.elements, known.mask, known.markmask)
    return making


_FORMER = {
    "iphash": "hash:ip",
    "ipmap": "bitmap:ip",
    "macipmap": "bitmap:ip,mac",
    "portmap": "bitmap:port",
    "nethash": "hash:net",
    "ipporthash": "hash:ip,port",
    "ipportiphash": "hash:ip,port,ip",
    "ipportnethash": "hash:ip,port,net",
    "setlist": "list:set",
}
"""What types were called once; ipset still takes these names."""


def _type(word: str) -> SetType:
    from policy.diagnostic import did_you_mean

    name = _FORMER.get(word, word)
    if name not in TYPES:
        raise Wrong("FW820", f"unknown type `{word}`", 2, did_you_mean(word, TYPES) or "one of " + ", ".join(TYPES))
    return TYPES[name]


def _masks(version: int | None, options: dict[str, Given]) -> tuple[int | None, int]:
    """Return the masks of addresses and of marks."""
    mask = None
    size = bits(version or 4)
    length, pattern = options.get("netmask"), options.get("bitmask")
    if length is not None and pattern is not None:
        raise Wrong("FW001", "`netmask` and `bitmask` exclude each other", pattern.at - 1, "leave one out")
    if length is not None:
        mask = (1 << size) - (1 << size - bounded(length.text, 1, size, length.at))
    if pattern is not None:
        mask = address(pattern.text, version or 4, pattern.at) & ((1 << size) - 1)
    return mask, number(options.get("markmask"), _ALL_BITS)


def _bounds(type: SetType, given: Given | None, mask: int | None) -> tuple[int, int]:
    if given is None:
        raise Wrong("FW001", "a bitmap needs a range", 2, "write `range FIRST-LAST`")
    try:
        if type.name == "bitmap:port":
            found = ports(given.text)
            return found[0], found[-1]
        low, high = addresses(given.text, 4, given.at)
    except Wrong as wrong:
        wrong.at = given.at
        raise
    step = 1 if mask is None else (mask ^ _ALL_BITS) + 1
    low, high = low & -step, high | (step - 1)
    count = (high - low + 1) // step
    if count > MOST_IN_BITMAP:
        raise Wrong("FW001", f"the range is {count:,} elements", given.at, f"a bitmap takes {MOST_IN_BITMAP:,}")
    return low, high

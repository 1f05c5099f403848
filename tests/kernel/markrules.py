"""Rules that change marks of packets and connections, and ask for them, put into random dumps."""

from __future__ import annotations

from random import Random

from tests.kernel.world import World

_MARKS = ("0", "1", "2", "0x10", "0x1/0x1", "0x10/0xf0", "0/0xff", "3", "0x3/0x1", "0x5/0x7")
_MASKS = ("", "", " --mask 0x3", " --nfmask 0xf --ctmask 0x5", " --nfmask 0xf0 --ctmask 0xff", " --ctmask 0x1")
_CHANGES = (
    "--set-mark 1", "--set-mark 0x10/0xf0", "--set-xmark 0x3/0x1", "--or-mark 2", "--and-mark 0xfe", "--xor-mark 0x11",
    "--set-xmark 0xff/0x0", "--set-mark 0", "--save-mark", "--save-mark", "--restore-mark", "--restore-mark",
)  # fmt: skip
_STATUSES = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED", "NONE,CONFIRMED")
_STATES = ("SNAT", "DNAT", "NEW,DNAT", "ESTABLISHED,SNAT", "INVALID,SNAT")


def with_marks(r: Random, lines: list[str], world: World) -> list[str]:
    """Return a dump with more targets and matches in some of its rules, and with rules that come first."""
    found = []
    table = ""
    for line in lines:
        if line.startswith("*"):
            table, begun = line[1:], False
        elif not line.startswith(":") and not begun:
            begun = True
            found += _first(r, table, world)
        added = line.startswith("-A") and table != "raw"
        found.append(_with_more(r, line, world) if added else line)
    return found


def _first(r: Random, table: str, world: World) -> list[str]:
    """Return rules that packets meet first: marks that are changed, and verdicts that hang on them."""
    if table == "mangle":
        chains = ("PREROUTING", "PREROUTING", "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "OUTPUT")
        targets = (*(f"CONNMARK {_change(r)}" for _ in range(5)), "MARK --set-mark 5", "MARK --or-mark 0x12")
        rules = [f"-A {r.choice(chains)} -j {r.choice(targets)}" for _ in range(r.choice((0, 2, 4, 6)))]
        return [_with_more(r, rule, world) if r.random() < 0.3 else rule for rule in rules]
    if table == "filter":
        asked = [f"-m mark --mark {r.choice(_MARKS)}" for _ in range(3)] + [_match(r, world) for _ in range(3)]
        verdicts = ("ACCEPT", "DROP")
        hooks = ("INPUT", "FORWARD", "OUTPUT")
        return [f"-A {hook} {r.choice(asked)} -j {r.choice(verdicts)}" for hook in hooks for _ in range(3)]
    return []


def _with_more(r: Random, line: str, world: World) -> str:
    words, dash, target = line.partition(" -j ")
    if not dash:
        words, dash, target = line.partition(" -g ")
    if r.random() < 0.45:
        words += " " + _match(r, world)
    if (target.startswith("MARK") or not dash) and r.random() < 0.6:
        dash, target = " -j ", f"CONNMARK {_change(r)}"
    return words + dash + target


def _change(r: Random) -> str:
    change = r.choice(_CHANGES)
    return change + r.choice(_MASKS) if change in ("--save-mark", "--restore-mark") else change


def _match(r: Random, world: World) -> str:
    sign = "! " * (r.random() < 0.3)
    kind = r.random()
    if kind < 0.3:
        return f"-m connmark {sign}--mark {r.choice(_MARKS)}"
    if kind < 0.45:
        return f"-m conntrack {sign}--ctstatus {r.choice(_STATUSES)}"
    if kind < 0.5:
        return f"-m conntrack {sign}--ctstate {r.choice(_STATES)}"
    if kind < 0.55:
        return f"-m conntrack {sign}--ctproto {r.choice((6, 17, 132))}"
    side = r.choice(("ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"))
    if kind < 0.85:
        behind = [each for addresses in world.behind.values() for each in addresses]
        length = r.choice((8, 24, 32) if world.family == 4 else (16, 64, 128))
        return f"-m conntrack {sign}--{side} {r.choice((*world.sources, *world.local, *behind))}/{length}"
    return f"-m conntrack {sign}--{side}port {r.choice(('22', '53', '80:443', '1024:65535', '0:100'))}"

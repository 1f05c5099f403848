"""What a file of rules says, as tables: its names, its policies at each hook, its rules column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policy._record import dataclass
from policy.app.folded import folded
from policy.app.sentence import action_text, field_text, match_text
from policy.ir import All, Either, Field, Match, Not, Policy, Rule, Ruleset, Unknown, conjuncts, walk
from policy.netfilter import MEETS_NAT, NOT_LOOPED
from policy.packet import FIELDS, HOOKS, Intervals
from policy.packet.fields import DCCP, ICMP, ICMP6, SCTP, TCP, UDP, UDPLITE
from policy.packet.names import protocol_name
from policy.packet.text import set_text
from policy.question.terms import service_match
from policy.source import Span

_COLUMNS: Mapping[str, frozenset[str]] = {
    "service": frozenset({"proto", "dport", "icmp_type", "icmp_code"}),
    "source": frozenset({"src", "sport"}),
    "destination": frozenset({"dst"}),
    "interfaces": frozenset({"in", "out"}),
    "state": frozenset({"state"}),
}
_DETAILED = Intervals.of(ICMP, TCP, UDP, DCCP, ICMP6, SCTP, UDPLITE)


@dataclass(frozen=True, slots=True)
class Row:
    """A rule, column by column; an empty column means that the rule does not ask."""

    number: int
    span: Span
    action: str
    service: str
    source: str
    destination: str
    interfaces: str
    state: str
    other: str
    label: str
    owner: str
    until: str
    note: str


@dataclass(frozen=True, slots=True)
class Table:
    """A policy: where packets enter it (`HOOK`, or `HOOK (TABLE)`), what holds around its rules, and its rules."""

    name: str
    hooks: tuple[str, ...]
    default: str | None
    stateful: bool
    last_match: bool
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A definition: its name, its kind, its value as it was written."""

    name: str
    kind: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Overview:
    """A whole file."""

    language: str
    families: tuple[int, ...]
    names: tuple[Name, ...]
    tables: tuple[Table, ...]


def overview(ruleset: Ruleset) -> Overview:
    """Return what *ruleset* says."""
    services = {service_match(d.value): d.name for d in ruleset.definitions if isinstance(d.value, tuple) and d.value}
    return Overview(
        ruleset.language,
        tuple(sorted(ruleset.families)),
        tuple(Name(d.name, d.kind, d.text, d.span) for d in ruleset.definitions if d.text != d.name),
        tuple(_table(policy, ruleset, services) for policy in ruleset.policies.values() if not policy.implied),
    )


def _table(policy: Policy, ruleset: Ruleset, services: Mapping[Match, str]) -> Table:
    entered = [
        (hook, entry)
        for hook, entries in ruleset.entries.items()
        for entry in entries
        if entry.policy == policy.name and entry.hook in (None, hook)
    ]
    names = ["every hook" if hook is None else HOOKS[hook] for hook, _ in entered]
    tables = ["" if entry.main else f" ({entry.table})" for _, entry in entered]
    default = policy.default or (entered[0][1].default if entered else None)
    return Table(
        policy.name,
        tuple(name + table for name, table in zip(names, tables, strict=True)),
        action_text(default) if default else None,
        any(entry.stateful for _, entry in entered),
        policy.last_match,
        tuple(_row(number, rule, services) for number, rule in enumerate(_shown(policy.rules), 1)),
    )


def _shown(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Yield rules without those parts of a rule that no packet matches: maps are taken apart into all that may be."""
    for number, rule in enumerate(rules):
        in_parts = rule.part or (number + 1 < len(rules) and rules[number + 1].part)
        if not in_parts or folded(conjuncts(rule.match)) is not None:
            yield rule


def _row(number: int, rule: Rule, services: Mapping[Match, str]) -> Row:
    parts = _parts(rule.match)
    return Row(
        number,
        rule.span,
        ", ".join(map(action_text, rule.actions)) or "nothing",
        _services(parts["service"], services),
        _source(parts["source"]),
        ", ".join(_values(part) for part in parts["destination"]),
        ", ".join(f"{_name(part)} {_values(part)}" for part in parts["interfaces"]),
        ", ".join(_values(part) for part in parts["state"]),
        ", ".join(match_text(part) for part in parts["other"]),
        rule.label or "",
        rule.owner or "",
        rule.expires.isoformat() if rule.expires else "",
        rule.note or "",
    )


def _parts(match: Match) -> dict[str, list[Match]]:
    """Return the conditions of a rule by the column that can say them."""
    found: dict[str, list[Match]] = {**{column: [] for column in _COLUMNS}, "other": []}
    conditions = conjuncts(match)
    for part in folded(conditions) or conditions:
        if part in (MEETS_NAT, NOT_LOOPED):  # of every rule in a chain of the nat table
            continue
        fields = {inner.name for inner in walk(part) if isinstance(inner, Field)}
        known = fields and not any(isinstance(inner, Unknown) for inner in walk(part))
        column = next((name for name, wanted in _COLUMNS.items() if known and fields <= wanted), "other")
        if column not in ("service", "other") and not _is_plain(part):
            column = "other"
        found[column].append(part)
    return found


def _is_plain(part: Match) -> bool:
    return isinstance(part, Field) or (isinstance(part, Not) and isinstance(part.part, Field))


def _name(part: Match) -> str:
    return part.name if isinstance(part, Field) else _name(part.part) if isinstance(part, Not) else ""


def _values(part: Match) -> str:
    """Return the values of a field, as they were written where that is a name or a list of them."""
    if isinstance(part, Not):
        return f"not {_values(part.part)}"
    assert isinstance(part, Field)
    written = " ".join(part.span.text.split()) if part.span else ""
    by_words = written and part.name in ("src", "dst") and not written.startswith(("-", "!"))
    return written if by_words else field_text(part)


def _source(parts: Sequence[Match]) -> str:
    addresses = [_values(part) for part in parts if _name(part) == "src"]
    ports = [f"port {_values(part)}" for part in parts if _name(part) == "sport"]
    return " ".join(([", ".join(addresses)] if addresses else []) + ports)


def services_text(match: Match, services: Mapping[Match, str]) -> str:
    """Return the traffic that a match asks for, as rules write it; *services* are those with a name."""
    return _services(match.parts if isinstance(match, All) else (match,), services)


def _services(parts: Sequence[Match], services: Mapping[Match, str]) -> str:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Either):
        kinds = dict.fromkeys(_service(inner, services) for inner in parts[0].parts)
        return services.get(parts[0]) or ", ".join(kinds)
    return _service(All(tuple(parts)) if len(parts) > 1 else parts[0], services)


def _service(match: Match, services: Mapping[Match, str]) -> str:
    """Return one kind of traffic: `tcp/22`, `icmp/8`, `proto 47`; anything less plain in words."""
    if name := services.get(match):
        return name
    parts = match.parts if isinstance(match, All) else (match,)
    fields = {part.name: part for part in parts if isinstance(part, Field)}
    protocol = fields.get("proto")
    if len(fields) < len(parts) or protocol is None or not isinstance(protocol.values, Intervals):
        return match_text(match)
    words = {part.span.text for part in fields.values() if part.span}
    if len(fields) > 1 and len(words) == 1 and (word := words.pop()).isidentifier():
        return word
    if not _DETAILED.covers(protocol.values):
        return match_text(match) if len(fields) > 1 else f"proto {set_text('proto', protocol.values)}"
    names = [protocol_name(number) for low, high in protocol.values.ranges for number in range(low, high + 1)]
    details = [f"/{_numbers(fields[name])}" for name in FIELDS if name in fields and name != "proto"]
    return ", ".join(name + "".join(details) for name in names)


def _numbers(field: Field) -> str:
    text = set_text(field.name, field.values).replace(", ", ",")
    return f"{{{text}}}" if "," in text else text

"""The one form that every language is lowered to, and that every engine and check reads.

Meanings that all engines share:

* `Field` on a packet without that field is false, so its `Not` is true.
* `Unknown` is a truth value that cannot be known here. A pure one is a function of the packet and the
  moment: equal keys share one truth value. An impure one is a fresh value at every occurrence and every
  call path. An answer is definite exactly when all truth values give the same verdict.
* The actions of a rule are done in order, up to the first that ends the rule.
* Spans, texts and other marks of the writing take no part in equality.
"""

from __future__ import annotations

from policy.ir.action import (
    Action,
    Allow,
    Block,
    Change,
    Copy,
    Goto,
    Jump,
    Log,
    Note,
    Reject,
    Return,
    Rewrite,
    Set,
    UnknownAction,
    Verdict,
)
from policy.ir.match import (
    EVERYTHING,
    NOTHING,
    All,
    Any,
    Either,
    Field,
    Match,
    Not,
    Opaque,
    Service,
    Unknown,
    all_of,
    conjuncts,
    either_of,
    negated,
    walk,
    with_values,
)
from policy.ir.rule import (
    Definition,
    Entry,
    Item,
    ItemList,
    Policy,
    Rule,
    Ruleset,
)

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "Action",
    "All",
    "Allow",
    "Any",
    "Block",
    "Change",
    "Copy",
    "Definition",
    "Either",
    "Entry",
    "Field",
    "Goto",
    "Item",
    "ItemList",
    "Jump",
    "Log",
    "Match",
    "Not",
    "Note",
    "Opaque",
    "Policy",
    "Reject",
    "Return",
    "Rewrite",
    "Rule",
    "Ruleset",
    "Service",
    "Set",
    "Unknown",
    "UnknownAction",
    "Verdict",
    "all_of",
    "conjuncts",
    "either_of",
    "negated",
    "walk",
    "with_values",
]

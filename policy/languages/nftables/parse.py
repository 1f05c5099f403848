"""From the text of a script to its tree, statement by statement, with all mistakes in its syntax."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import cache
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedInput

from policy._record import dataclass
from policy.diagnostic import Collector, Diagnostic, Related, did_you_mean
from policy.language.comments import Comments, read, spoken
from policy.language.grammar import open_grammar
from policy.language.syntax import syntax_mistake
from policy.languages.nftables.ast.command import Add, Chain, Define, Include, NamedObject, NamedSet, Rule, Script, Table
from policy.languages.nftables.ast.expression import SetLiteral
from policy.languages.nftables.elements import long_set
from policy.languages.nftables.reading.base import Part, Refused
from policy.languages.nftables.reading.commands import Commands
from policy.languages.nftables.split import Block, Piece, split
from policy.source import Source, Span
from policy.written import Stray, Suppression

_WORDS = {
    "WORD": "a word",
    "NUMBER": "a number",
    "STRING": 'a text in `"…"`',
    "REFERENCE": "a set like `@name`",
    "VARIABLE": "a variable",
    "TIME": "a time",
    "DIRECTION": "`original`, `reply`",
    "RAW_OPTION": "`@number,offset,length`",
}
_FIRST = re.compile(r"[\w-]*")
_CHAIN_LINES = frozenset({"type", "policy", "flags", "comment", "devices"})
_EVERYWHERE = frozenset({"define", "redefine", "undefine", "include"})
_COMMANDS = (
    "table chain add create delete destroy flush insert replace rename list reset define redefine undefine include rule set map element"
).split()
_BLOCKS = "chain set map counter quota limit secmark synproxy flowtable ct flags comment define include".split()


@cache
def _reader() -> Commands:
    return Commands()


def _parser() -> Lark:
    return open_grammar("nftables", _reader())


def parse(source: Source, mistakes: Collector) -> Script:
    """Return the tree of *source*; what is wrong goes to *mistakes*, and what can be read is kept."""
    parser = _Parser(source, mistakes)
    if source.text.startswith("\ufeff"):
        mistakes.add("FW001", "nft does not take a byte order mark", Span(source, 0, 1), "save the file without it")
    for piece in split(source.text):
        parser.add(piece)
        if mistakes.full:
            break
    else:
        parser.end()
    comments = parser.comments
    return Script(tuple(parser.blocks[0].body), suppressions=tuple(comments.whole), stray=tuple(comments.stray))


def parse_rule(place: Span) -> Rule | None:
    """Return the tree of one rule; None where its text is none."""
    found = parse_statement("rule", place)
    return found if isinstance(found, Rule) else None


def parse_statement(start: str, place: Span, text: str | None = None) -> Any:
    """Return what the text of *place* (or *text*, of which it is the beginning) is to the grammar, or a diagnostic."""
    reader, parser = _reader(), _parser()
    text = place.text if text is None else text
    reader.at(place)
    try:
        return parser.parse(text, start)
    except Refused as refused:
        return refused.diagnostic
    except UnexpectedInput as error:
        return syntax_mistake(error, parser, place, _WORDS)


@dataclass(slots=True)
class _Block:
    """A block that is open: what it makes, and what stood in it so far. *node* None: its head could not be read."""

    kind: Block
    node: Table | Chain | NamedSet | NamedObject | None
    place: Span
    add: Add | None = None
    body: list[Any] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)


@dataclass(slots=True)
class _Parser:
    """Puts the statements of a script together."""

    source: Source
    mistakes: Collector
    comments: Comments = field(default_factory=Comments)
    blocks: list[_Block] = field(default_factory=list)
    last_end: int = -1

    def __post_init__(self) -> None:
        self.blocks.append(_Block("top", None, Span(self.source, 0, 0)))

    @property
    def block(self) -> _Block:
        return self.blocks[-1]

    def add(self, piece: Piece) -> None:
        """Take the next statement or comment."""
        place = Span(self.source, piece.start, piece.end)
        if piece.kind == "comment":
            self._comment(place)
            return
        if piece.kind == "open":
            self._open(piece.block, place)
        elif piece.kind == "close":
            self._close(place)
        else:
            self._statement(place)
        self.last_end = piece.end

    def end(self) -> None:
        """Take the end of the text."""
        while len(self.blocks) > 1:
            block = self.block
            self.mistakes.add("FW001", "the block is not closed", block.place, "end it with `}`")
            self._close(Span(self.source, len(self.source.text), len(self.source.text)))
        self.comments.forget()

    # Blocks

    def _open(self, kind: Block, place: Span) -> None:
        suppressions = self.comments.taken(place)
        node = add = None
        if kind == "unknown":
            self.mistakes.add("FW001", "`{` opens no block here", place, "the brace stands in the line of the block's name")
        elif self.block.kind == "top":
            add = self._parsed("command", place)
            node = add.what if isinstance(add, Add) else None
        else:
            node = self._parsed("head", place)
        self.blocks.append(_Block(kind, node, place, add))
        if suppressions:
            self._silence(suppressions)

    def _close(self, place: Span) -> None:
        if len(self.blocks) == 1:
            self.mistakes.add("FW001", "`}` closes nothing", place)
            return
        self.comments.forget()
        block = self.blocks.pop()
        node: Any = block.node
        if node is None:
            return
        span = Span(self.source, block.place.start, place.end)
        found = block.found
        if isinstance(node, Table):
            node = replace(node, body=tuple(block.body), **found, span=span)
        elif isinstance(node, Chain):
            node = replace(node, rules=tuple(block.body), **found, span=span)
            if "policy" in block.places:
                node = replace(node, policy_span=block.places["policy"])
        elif isinstance(node, NamedSet):
            node = replace(node, **found, span=span)
        else:
            inside = self.source.text[block.place.end : place.start].partition("{")[2].strip()
            node = replace(node, text=inside, **found, span=span)
        add = block.add
        self.block.body.append(node if add is None else replace(add, what=node, span=span))

    # Statements

    def _statement(self, place: Span) -> None:
        suppressions = self.comments.taken(place)
        before = len(self.block.body)
        word = _FIRST.match(self.source.text, place.start, place.end)
        first = word[0] if word else ""
        match self.block.kind:
            case _ if first in _EVERYWHERE:
                self._command(place)
            case "top":
                self._command(place)
            case "table":
                self._table_line(first, place)
            case "chain" if first in _CHAIN_LINES:
                self._line("chain_line", place)
            case "chain":
                if (rule := self._parsed("rule", place)) is not None:
                    self.block.body.append(replace(rule, span=place))
            case "set":
                self._line("set_line", place)
            case "object":
                self._object_line(first, place)
        if suppressions:
            self._silence(suppressions, len(self.block.body) > before)

    def _command(self, place: Span) -> None:
        found = self._parsed("command", place)
        if found is None:
            return
        if self.block.kind != "top" and not isinstance(found, (Define, Include)):
            self.mistakes.add("FW001", "a command does not stand inside of a block", place, "close the block before it")
            return
        if self.block.kind == "set" or self.block.kind == "object":
            if isinstance(found, Include):
                self.mistakes.add("FW004", "an include does not stand here", place, "write it before the block")
                return
            self.blocks[-2].body.append(found)
            return
        self.block.body.append(found)

    def _table_line(self, first: str, place: Span) -> None:
        if first not in ("flags", "comment"):
            span = Span(self.source, place.start, max(place.start + len(first), place.start + 1))
            help = did_you_mean(first, _BLOCKS) or "a rule stands in a chain: `chain NAME { … }`"
            self.mistakes.add("FW001", f"`{span.text}` begins nothing that stands in a table", span, help)
            return
        self._line("chain_line", place)

    def _object_line(self, first: str, place: Span) -> None:
        node = self.block.node
        if first == "comment":
            self._line("chain_line", place)
        elif isinstance(node, NamedObject) and node.kind in ("limit", "quota"):
            statement = self._parsed(f"{node.kind}_body", place)
            self.block.found["statement"] = statement

    def _line(self, start: str, place: Span) -> None:
        """Take a line that says something of the block itself."""
        part: Part | None = self._parsed(start, place)
        block = self.block
        if part is None or block.node is None:
            return
        name, value, span = part
        if name == "flags":
            value = tuple(each.text for each in value)
        elif name == "type" and isinstance(block.node, NamedSet):
            self._typed(block, value, span)
            return
        elif name == "set_policy":
            name = "policy"
        elif name == "devices":
            name, value = "hook", replace(block.found["hook"], devices=value) if "hook" in block.found else None
            if value is None:
                return
            block.places.pop("hook", None)
        if name in block.places and name != "elements":
            help = "leave one of them out"
            self.mistakes.add("FW703", f"`{name}` stands twice", span, help, (Related(block.places[name], "the first"),))
            return
        if name == "elements" and isinstance(value, SetLiteral) and isinstance(block.found.get(name), SetLiteral):
            value = replace(value, elements=block.found[name].elements + value.elements)
        if name == "comment" and isinstance(block.node, (NamedObject, Table)) is False and "comment" in block.found:
            return
        block.found[name] = value
        block.places[name] = span

    def _typed(self, block: _Block, value: Any, span: Span) -> None:
        if "type" in block.places:
            related = (Related(block.places["type"], "the first"),)
            self.mistakes.add("FW703", "the type is said twice", span, "leave one of them out", related)
            return
        block.places["type"] = span
        block.found["type"], block.found["value"] = value

    def _parsed(self, start: str, place: Span) -> Any:
        """Return the tree of one statement, or None after noting what is wrong."""
        if place.end - place.start > 1000 and (quick := long_set(place)) is not None:
            short, elements = quick
            found = parse_statement(start, place, short)
            if not isinstance(found, Diagnostic):
                return _with_elements(found, elements, place)
        found = parse_statement(start, place)
        if isinstance(found, Diagnostic):
            self.mistakes.found.append(_explained(found, start, place))
            return None
        return found

    # Comments that speak to fwpolicy

    def _comment(self, place: Span) -> None:
        said = spoken(place.text)
        if said is None:
            return
        suppression = read(said, place)
        if suppression is None:
            self.comments.stray.append(Stray("it cannot be read", span=place))
        elif self.last_end < 0 or self.source.position(self.last_end)[0] != place.line:
            self.comments.alone(suppression)
        elif suppression.whole_file or not self._silence((suppression,)):
            self.comments.lost(suppression)

    def _silence(self, suppressions: tuple[Suppression, ...], new: bool = True) -> bool:
        """Let the last statement carry suppressions; False where there is none that could."""
        block = self.block
        if block.body and new and hasattr(block.body[-1], "suppressions"):
            last = block.body[-1]
            block.body[-1] = replace(last, suppressions=(*last.suppressions, *suppressions))
            return True
        if block.node is not None and hasattr(block.node, "suppressions"):
            block.node = replace(block.node, suppressions=(*block.node.suppressions, *suppressions))
            return True
        return False


def _with_elements(found: Any, elements: SetLiteral, place: Span) -> Any:
    """Put the elements into what was read without them."""
    if isinstance(found, tuple):
        return found[0], elements, place
    if isinstance(found, Add):
        return replace(found, what=elements, span=place)
    return replace(found, **{"value" if isinstance(found, Define) else "elements": elements}, span=place)


def _explained(mistake: Diagnostic, start: str, place: Span) -> Diagnostic:
    """Say more about a statement that does not fit where it stands."""
    if start == "command" and mistake.span.start == place.start:
        word = mistake.span.text
        help = did_you_mean(word, _COMMANDS) or "rules stand in chains: `table inet NAME { chain NAME { … } }`"
        return replace(mistake, message=f"`{word}` begins no command", help=help)
    return mistake

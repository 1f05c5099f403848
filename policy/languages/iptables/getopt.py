"""From the words of a rule to its options, as getopt_long and xtables do it.

Sources: iptables 1.8.9, iptables/xshared.c (do_parse, command_default, command_match) and getopt_long(3): a long
option may be abbreviated while it is unambiguous, what a match or target brings is known only behind its `-m` or `-j`,
the options of what was loaded last come first, and an unknown option makes `-p tcp` load tcp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import NoReturn

from policy._record import dataclass
from policy.diagnostic import Collector, did_you_mean
from policy.languages.iptables import base, matches, targets
from policy.languages.iptables.ast import Command, Extension, Option, RuleSpec, Verb, Word
from policy.languages.iptables.general import (
    ABBREVIATED,
    CHAIN_OPTIONAL,
    COMMANDS,
    ENDING,
    LONG,
    READ,
    REFUSED,
    SHORT,
    WITH_RULE,
    general_option,
)
from policy.languages.iptables.options import Bad, Module, Opt
from policy.languages.iptables.values import protocol, strtoui
from policy.source import Source, Span


class End(Exception):
    """iptables-restore reads nothing behind this line, and leaves the open table alone."""


class Stop(Exception):
    """The line cannot be read (the mistake has been noted), or is for the other IP version and is passed over."""


@dataclass(slots=True)
class _Loaded:
    """A match or target that the rule has loaded, with its options so far."""

    module: Module
    start: int
    end: int
    options: list[Option] = field(default_factory=list)

    def extension(self) -> Extension:
        return Extension(self.module.name, tuple(self.options), self.start, self.end)


class RuleParser:
    """Reads the words of one line."""

    def __init__(self, source: Source, words: Sequence[Word], family: int, mistakes: Collector) -> None:
        self.source = source
        self.words = words
        self.family = family
        self.mistakes = mistakes
        self.at = 0
        self.negated: Word | None = None
        self.verb: str | None = None
        self.verb_values: list[Word] = []
        self.general: dict[str, Option] = {}
        self.loaded: list[_Loaded] = []
        self.target: _Loaded | None = None
        self.target_word: Word | None = None
        self.goto = False
        self.implied = False

    def parse(self) -> Command:
        """Return the command on the line; raises `Stop` when it cannot be told."""
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            text = word.text
            if text == "--":
                if self.at < len(self.words):
                    self._fail(word, "no option may stand behind `--`", "leave the `--` out")
                break
            if text.startswith("--"):
                self._long(word)
            elif text[:1] == "-" and len(text) > 1:
                self._short(word)
            elif text == "!":
                if self.negated is not None:
                    self._fail(word, "two `!` follow each other")
                self.negated = word
                continue
            else:
                self._stray(word)
            self.negated = None
        if self.negated is not None:
            self._fail(self.negated, "nothing follows the `!`")
        return self._command()

    # Words

    def _fail(self, word: Word | Option, message: str, help: str | None = None, code: str = "FW001") -> NoReturn:
        self.mistakes.add(code, message, Span(self.source, word.start, word.end), help)
        raise Stop

    def _stray(self, word: Word) -> None:
        help = None
        if word.text == "#":
            help = "a comment stands on a line of its own, from its first column"
        elif word.text == "COMMIT":
            help = "`COMMIT` stands alone on its line, from its first column, with no space behind it"
        elif word.text[:1] == "*":
            help = "end the table before with `COMMIT`"
        elif self.at > 1 and self.words[self.at - 2].text == "!":
            help = "`!` stands before the option: `! -s ADDRESS`"
        elif "'" in word.text or any("'" in before.text for before in self.words[: self.at]):
            help = 'iptables-restore knows only double quotes: write "…"'
        elif self.at > 1 and self.words[self.at - 2].text.endswith(","):
            help = "write the list without spaces"
        elif self.at > 2 and self.words[self.at - 3].text == "!":
            help = "`!` stands before the option: `! -s ADDRESS`"
        self._fail(word, f"bad argument `{word.text}`: no option takes it", help)

    def _value(self, option: Word, attached: tuple[str, int] | None) -> Word:
        """Return the value of an option: what is attached to it, or else the next word, whatever it is."""
        if attached is not None:
            return Word(attached[0], attached[1], option.end)
        if self.at >= len(self.words):
            self._fail(option, f"option `{option.text}` needs a value")
        self.at += 1
        return self.words[self.at - 1]

    def _peek(self) -> Word | None:
        """Return the next word if it can be a further value of an option."""
        if self.at < len(self.words) and self.words[self.at].text[:1] not in ("-", "!"):
            return self.words[self.at]
        return None

    # Options

    def _short(self, word: Word) -> None:
        letter, rest = word.text[1], word.text[2:]
        if letter in COMMANDS:
            self._set_verb(word, letter, (rest, word.start + 2) if rest else None)
        elif letter in REFUSED:
            self._refuse(word, "-" + letter)
        elif letter in ENDING:
            raise End
        elif letter not in SHORT:
            self._fail(word, f'unknown option "{word.text}"')
        elif SHORT[letter] and rest and letter in "psdjg":
            self._fail(word, f"`{word.text}` is read wrongly by iptables-restore", f"write `-{letter} {rest}`")
        elif SHORT[letter]:
            self._known(word, letter, (rest, word.start + 2) if rest else None)
        else:
            self._known(word, letter, None)
            if rest:
                self._short(Word("-" + rest, word.start, word.end))

    def _long(self, word: Word) -> None:
        name, equals, value = word.text[2:].partition("=")
        attached = (value, word.start + 3 + len(name)) if equals else None
        short = ABBREVIATED.get(name)
        owner, option = (None, None) if short else self._own(name)
        if short is None and option is None:
            short, owner, option = self._abbreviated(name)
        if short is None and option is None and not self.implied and self._imply(name):
            owner, option = self._own(name)
            if option is None:
                short, owner, option = self._abbreviated(name)
        if option is not None and owner is not None:
            self._add(word, owner, option, attached)
        elif short is None or short == "?":
            if not self._foreign(word, name, attached):
                self._unknown(word, name)
        elif short in COMMANDS:
            self._set_verb(word, short, attached)
        elif short in REFUSED:
            self._refuse(word, "-" + short)
        elif short in ENDING:
            raise End
        else:
            self._known(word, short, attached)

    def _extensions(self) -> Iterator[_Loaded]:
        yield from reversed(self.loaded)
        if self.target is not None:
            yield self.target

    def _own(self, name: str) -> tuple[_Loaded, Opt] | tuple[None, None]:
        """Return the option of a match or target by its exact name."""
        for loaded in self._extensions():
            option = loaded.module.by_name.get(name)
            if option is not None:
                return loaded, option
        return None, None

    def _abbreviated(self, name: str) -> tuple[str | None, _Loaded | None, Opt | None]:
        """Return the only option that *name* abbreviates."""
        short = general_option(name) if name else None
        found = {
            (loaded.module.name, option.name): (loaded, option)
            for loaded in reversed(list(self._extensions()))
            for long, option in loaded.module.by_name.items()
            if name and long.startswith(name)
        }
        if short is not None and found:
            return "?", None, None
        if len(found) == 1:
            ((loaded, option),) = found.values()
            return None, loaded, option
        return ("?" if found else short), None, None

    def _imply(self, name: str) -> bool:
        """Load the match of the rule's protocol, if that may bring the option."""
        given = self.general.get("protocol")
        if given is None:
            return False
        try:
            number = protocol(given.values[0].text)
        except Bad as bad:
            self._fail(given.values[0], bad.message, bad.help, bad.code)
        module = matches.for_protocol(number, self.family)
        if module is None or not any(long.startswith(name) for long in module.by_name):
            return False
        self.implied = True
        self.loaded.append(_Loaded(module, given.start, given.end))
        return True

    def _foreign(self, word: Word, name: str, attached: tuple[str, int] | None) -> bool:
        """Give an unknown option, with the words behind it, to a match that iptables 1.8.9 does not have."""
        owner = next((loaded for loaded in reversed(self.loaded) if loaded.module.takes_any), None)
        if owner is None:
            return False
        values = [Word(attached[0], attached[1], word.end)] if attached is not None else []
        while attached is None and (more := self._peek()) is not None:
            values.append(more)
            self.at += 1
        start = self.negated.start if self.negated is not None else word.start
        end = values[-1].end if values else word.end
        owner.options.append(Option(name, tuple(values), self.negated is not None, start, end))
        owner.end = end
        return True

    def _unknown(self, word: Word, name: str) -> None:
        owners = matches.owners(name, self.family)
        help = None
        if {"tcp", "udp"} & set(owners) and not any(one.module.name in owners for one in self.loaded):
            self._fail(
                word,
                f'unknown option "{word.text}": a port needs a protocol',
                "say `-p tcp` or `-p udp` before it",
                "FW504",
            )
        elif owners:
            help = f"`-m {owners[0]}` brings it, and must stand before it"
        else:
            known = [f"--{long}" for loaded in self._extensions() for long in loaded.module.by_name]
            help = did_you_mean(word.text, [*known, *("--" + long for long in LONG)])
        self._fail(word, f'unknown option "{word.text}"', help)

    def _refuse(self, word: Word, short: str) -> None:
        help = "the table is the one whose `*TABLE` line comes before" if short == "-t" else "leave it out"
        self._fail(word, f"option `{word.text}` may not stand in a file for iptables-restore", help)

    def _known(self, word: Word, short: str, attached: tuple[str, int] | None) -> None:
        """Take a general option."""
        negated = self.negated is not None
        start = self.negated.start if self.negated is not None else word.start
        if negated and short not in "psdiof":
            self._fail(word, f"`!` cannot stand before `{word.text}`")
        if short == "v":
            return
        value = self._value(word, attached) if SHORT[short] else None
        if short == "m" and value is not None:
            if value.text in targets.names():
                self._fail(value, f"`{value.text}` is a target, not a match", f"say `-j {value.text}`")
            try:
                module = matches.find(value.text, self.family)
            except Bad as bad:
                self._fail(value, bad.message, bad.help, bad.code)
            self.loaded.append(_Loaded(module, word.start, value.end))
        elif short in "jg" and value is not None:
            self._jump(word, value, short)
        elif short == "c":
            self._counters(word, value)
        elif short in "46":
            if int(short) != self.family:
                raise Stop
        elif short != "M":
            name = base.NAMES[short]
            if name in self.general:
                self._fail(word, f"`-{short}` is given twice", "one rule takes it once")
            values = (value,) if value is not None else ()
            self.general[name] = Option(name, values, negated, start, value.end if value else word.end)

    def _counters(self, word: Word, value: Word | None) -> None:
        counts = value.text.split(",") if value is not None else []
        if len(counts) == 1:
            second = self._peek()
            if second is None:
                self._fail(word, f"`{word.text}` needs a packet and a byte counter")
            self.at += 1
            counts.append(second.text)
        if not all(count.isdigit() for count in counts):
            self._fail(word, f"the counters of `{word.text}` are not numbers")

    def _jump(self, word: Word, value: Word, short: str) -> None:
        if self.target_word is not None:
            self._fail(word, "the rule has two targets", "one rule takes one `-j` or `-g`")
        name = value.text
        if not name or any(c.isspace() for c in name) or len(name) > 28 or name[0] == "-":
            self._fail(value, f"invalid target name `{name}`", "a name has 1 to 28 characters and no spaces")
        self.target_word = value
        self.goto = short == "g"
        module = None if self.goto else targets.find(value.text, self.family)
        if module is not None:
            self.target = _Loaded(module, word.start, value.end)

    def _add(self, word: Word, owner: _Loaded, option: Opt, attached: tuple[str, int] | None) -> None:
        """Take an option of a match or target."""
        module = owner.module
        negated = self.negated is not None
        start = self.negated.start if self.negated is not None else word.start
        if negated and not option.invert:
            self._fail(word, f"{module.name}: option `{word.text}` cannot be inverted")
        values: list[Word] = []
        if option.takes:
            values.append(self._value(word, attached))
            for _ in range(option.takes - 1):
                more = self._peek()
                if more is None:
                    self._fail(word, f"option `{word.text}` needs {option.takes} values")
                values.append(more)
                self.at += 1
        elif attached is not None:
            self._fail(word, f"option `--{option.name}` takes no value")
        end = values[-1].end if values else word.end
        before = {one.name for one in owner.options}
        if option.name in before and not option.repeat:
            self._fail(word, f"{module.name}: option `--{option.name}` is given twice")
        other = next((name for name in option.excludes if name in before), None)
        if other is not None:
            self._fail(word, f"`--{option.name}` of {module.name} cannot be used together with `--{other}`")
        owner.options.append(Option(option.name, tuple(values), negated, start, end))
        owner.end = max(owner.end, end)

    # Commands

    def _set_verb(self, word: Word, letter: str, attached: tuple[str, int] | None) -> None:
        if self.negated is not None:
            self._fail(word, f"`!` cannot stand before `{word.text}`")
        if self.verb is not None:
            self._fail(word, f"`{word.text}` cannot stand together with `-{self.verb}`", "one line is one command")
        if letter not in READ:
            help = "write the rules that are wanted, with `-A`"
            self._fail(word, f"the command `{word.text}` is not read here", help, "FW820")
        self.verb = letter
        if letter not in CHAIN_OPTIONAL or attached is not None:
            self.verb_values.append(self._value(word, attached))
        for _ in range({"A": 0, "N": 0, "C": 0}.get(letter, 1)):
            more = self._peek()
            if more is not None:
                self.verb_values.append(more)
                self.at += 1

    def _command(self) -> Command:
        words = self.words
        first, last = words[0], words[-1]
        whole = Word("", first.start, last.end)
        if self.verb is None:
            self._fail(whole, "the line has no command", "a rule begins with `-A CHAIN`")
        chain = self.verb_values[0] if self.verb_values else None
        rest = self.verb_values[1] if len(self.verb_values) > 1 else None
        verb: Verb = f"-{self.verb}"  # type: ignore[assignment]
        if self.verb == "P":
            if rest is None:
                self._fail(whole, "`-P` needs a chain and a policy")
            return Command("-P", chain, policy=rest, start=first.start, end=last.end)
        number = None
        if rest is not None:
            number = strtoui(rest.text)
            if number is None or number < 1:
                self._fail(rest, f"invalid rule number `{rest.text}`", "rules are counted from 1")
        if self.verb not in WITH_RULE and (self.general or self.loaded or self.target_word is not None):
            self._fail(whole, f"a `-{self.verb}` line takes no rule")
        return Command(verb, chain, self._rule(), number, start=first.start, end=last.end)

    def _rule(self) -> RuleSpec:
        general = tuple(self.general.values())
        found = tuple(loaded.extension() for loaded in self.loaded)
        target = self.target.extension() if self.target is not None else None
        return RuleSpec(general, found, target, self.target_word, self.goto)

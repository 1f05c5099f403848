"""The JSON of nft: what `nft -j list ruleset` prints and `nft -j -f` reads, into the tree that script texts give.

Where people read a rule (traces, findings) they see it as script text, not as JSON (`source.Source.said`).
"""

from __future__ import annotations

from policy.diagnostic import Collector
from policy.languages.nftables.ast.command import Command, Script
from policy.languages.nftables.jsontext.commands import Commands
from policy.languages.nftables.jsontext.reader import Wrong
from policy.languages.nftables.jsontext.tree import NoJson, read_json
from policy.source import Source, Span

_HELP = '`nft -j list ruleset` prints `{"nftables": […]}`'


def parse(source: Source, mistakes: Collector) -> Script:
    """Return what a JSON text says, in order; what is wrong in it goes to *mistakes*, and is left out."""
    if source.text.startswith("\ufeff"):
        message = "the file begins with a byte order mark, which nft does not read"
        mistakes.add("FW001", message, Span(source, 0, 1), "save it as UTF-8 without a mark")
    try:
        root = read_json(source)
    except NoJson as error:
        mistakes.add("FW001", str(error), error.span, error.help)
        return Script(())
    reader = Commands(source, mistakes)
    found: list[Command] = []
    try:
        members = reader.members(root, "the text")  # nft does not look at others
        if "nftables" not in members:
            reader.fail(root, "the text has no `nftables`", _HELP)
        items = members["nftables"]
        if not isinstance(items.value, list):
            reader.fail(items, "`nftables` is an array of commands", _HELP)
    except Wrong as wrong:
        reader.note(wrong)
        return Script(())
    for item in items.value:
        if mistakes.full:
            break
        try:
            command = reader.command(item)
        except Wrong as wrong:
            reader.note(wrong)
            continue
        if command is not None:
            found.append(command)
    return Script(tuple(found))

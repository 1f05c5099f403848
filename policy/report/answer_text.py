"""The answer of `ask` as text: the verdict, what decided it, the rules examined, what would have to differ."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policy.app.answer import Answer, HookAnswer, Nearest, PacketAnswer, Region
from policy.app.packets_text import packets_text
from policy.evaluate import is_implied
from policy.explain import because
from policy.ir import Allow, Reject, Ruleset, UnknownAction
from policy.packet import HOOKS
from policy.report.frame import frame, place
from policy.report.reasons import Dependency, default_span, dependencies, rule_text, unseen
from policy.report.regions_text import ROLES, VERDICTS, regions_text, verdict_text
from policy.report.rewriting import rewriting_text
from policy.report.style import PLAIN, VERDICT_LOOKS, Style, clean, shortened
from policy.report.trace_text import trace_text

_HELP = "  = help:"


def answer_text(answer: Answer, style: Style = PLAIN, everything: bool = False) -> str:
    """Return the whole answer; with *everything* no run of rules is shortened."""
    lines = [f"{verdict_text(answer.verdict, style)}: {style(clean(answer.question), 'name')}{_one_hook(answer)}"]
    if len(answer.hooks) > 1:
        lines += [f"  at {_hook(each)}: {verdict_text(each.verdict, style)}" for each in answer.hooks]
        if answer.verdict == "mixed":
            lines.append(f"  say {' or '.join(f'`at {_hook(each)}`' for each in answer.hooks)} to ask at one hook")
    for each in answer.hooks:
        if len(answer.hooks) > 1:
            lines += ["", style(f"at {_hook(each)}: ", "name") + verdict_text(each.verdict, style)]
        lines += regions_text(each, style)
        lines += _examples(each, style, everything)
    if answer.nearest:
        lines += _nearest(answer.nearest, style)
    return "\n".join(lines)


def _hook(answer: HookAnswer) -> str:
    return "every hook" if answer.hook is None else HOOKS[answer.hook]


def _one_hook(answer: Answer) -> str:
    """Name the hook behind the question where there is one that the question does not say."""
    (first, *others) = answer.hooks
    said = first.hook is None or others or f"at {_hook(first)}" in answer.question
    return "" if said else f" (at {_hook(first)})"


def _examples(answer: HookAnswer, style: Style, everything: bool) -> Iterator[str]:
    """Show the first region of each verdict."""
    shown = {region.verdict: region for region in reversed(answer.regions)}
    for region in answer.regions:
        if shown.get(region.verdict) is region:
            yield from _region(region, style, everything)


def _region(region: Region, style: Style, everything: bool) -> Iterator[str]:
    deciding = region.deciding
    indent = "  " if region.words is None else ""
    if region.words is not None:
        yield ""
    if deciding.role != "first":
        verdict = "depends" if deciding.decision.verdict == "depends" else f"is {VERDICTS[deciding.decision.verdict]}"
        where = f" at {HOOKS[hook]}" if isinstance(hook := deciding.packet.get("hook"), int) else ""
        passes = region.packets[0].decision.verdict == "allow"
        but = "the first packet passes, but " if passes else ""
        yield f"{indent}{but}the {ROLES[deciding.role]} {verdict}{where}"
    words = rewriting_text(deciding.packet, deciding.decision.packet)
    if region.words is None:
        yield from (f"  rewritten on the way: {words}",) if words else ()
        yield ""
    yield from decided_text(deciding, region.ruleset, style)
    if region.words is not None and words:
        yield f"  = note: it is rewritten on the way: {words}"
    if region.words is not None and not everything:
        return
    yield ""
    settled = False
    for answer in region.packets:
        yield from _packet(answer, region.ruleset, style, everything, brief=settled and not everything)
        settled = settled or (answer is deciding and region.verdict != "allow")


def _packet(answer: PacketAnswer, ruleset: Ruleset, style: Style, everything: bool, brief: bool) -> Iterator[str]:
    """Show a packet and the rules it met; in a line where no rule was examined, or it is to be *brief*."""
    head = f"{style(ROLES[answer.role], 'name')}: {verdict_text(answer.decision.verdict, style)}"
    text = packets_text(answer.packet, hook=False)
    if len(answer.steps) == 1 and (only := answer.steps[0]).implicit:
        yield f"{head} (implicit: {only.implicit}, {because(only)}): {text}"
        return
    yield f"{head}: {text}" if answer.steps else f"{head}, as there are no rules: {text}"
    if not brief:
        yield from trace_text(answer, ruleset, style, everything)


def decided_text(answer: PacketAnswer, ruleset: Ruleset, style: Style, *, settle: bool = True) -> Iterator[str]:
    """Yield the lines that say what gave the verdict, and show it in its file; *settle*: how to settle an unknown."""
    decision = answer.decision
    how = "rejected" if isinstance(decision.action, Reject) else VERDICTS[decision.verdict]
    if decision.verdict in ("depends", "mixed"):
        for each in dependencies(answer):
            yield from (line for line in _dependency(each, answer, style) if settle or not line.startswith(_HELP))
    elif decision.rule is not None and is_implied(decision, ruleset):
        yield f"{how} by `implicit: routing`: {clean(decision.rule.note or '')}"
    elif decision.rule is not None:
        label = decision.rule.label
        yield f"{place(decision.rule.span)}: {how} by {f'rule `{clean(label)}`' if label else 'this rule'}"
        yield from frame(decision.rule.span, style, VERDICT_LOOKS[decision.verdict])
    elif decision.implicit == "state":
        yield f"{how} by `implicit: state`: the connection is followed, and the rules do not see this packet"
    elif decision.implicit == "default":
        yield from _default(answer, how, ruleset, style)
    else:
        yield f"{how} in every case, though not always by the same rule"


def _default(answer: PacketAnswer, how: str, ruleset: Ruleset, style: Style) -> Iterator[str]:
    name = answer.decision.policy
    if name is None:
        yield f"{how}: {unseen(answer, ruleset)}"
    elif (span := default_span(name, ruleset)) is None:
        yield f"{how} by default: no rule of `{clean(name)}` decides"
    else:
        yield f"{place(span)}: {how} by the default of `{clean(name)}`: no rule decides"
        yield from frame(span, style, VERDICT_LOOKS["allow" if isinstance(answer.decision.action, Allow) else "block"])


def _dependency(dependency: Dependency, answer: PacketAnswer, style: Style) -> Iterator[str]:
    """Say one thing that the verdict hangs on, where it stands, and how to settle it."""
    if (key := dependency.key) is not None and key.startswith("local:"):  # no rule asks for it: the routing does
        yield f"it depends on whether {clean(dependency.text)}: where the packet goes when it is rewritten"
        yield f"{_HELP} say with --local which addresses the host has, or --assume {quote(f'{key}=yes')} or `=no`"
        return
    at = f"{place(dependency.span)}: " if dependency.span else ""
    yield f"{at}it depends on {clean(dependency.text)}"
    if dependency.span:
        yield from frame(dependency.span, style, "open")
    if dependency.key is not None:
        action = any(isinstance(a, UnknownAction) and a.key == dependency.key for a in answer.decision.open)
        meaning = "if it lets the packet go on" if action else "if it holds"
        yield f"{_HELP} say --assume {quote(f'{dependency.key}=yes')} {meaning}, `=no` if not"


def _nearest(nearest: Nearest, style: Style) -> Iterator[str]:
    span = nearest.rule.span
    yield ""
    yield f"nearest allow rule: {place(span)}: {style(shortened(rule_text(nearest.rule), 90), 'name')}"
    yield f"  what would have to differ: {'; '.join(nearest.differs)}"

"""What the kernel decided about the packets of an answer, as text: the same, or not, or why it is not compared."""

from __future__ import annotations

from collections.abc import Iterator

from policy.app.answer import Answer, HookAnswer, PacketAnswer, Region
from policy.app.packets_text import packets_text
from policy.packet import HOOKS
from policy.packet.text import value_text
from policy.report.regions_text import ROLES, VERDICTS, verdict_text
from policy.report.style import Style

MOST_REGIONS = 10
"""Where an answer has more regions, only those are shown of which something else than agreement is to be said."""


def kernel_text(answer: Answer, by: str, style: Style) -> str:
    """Return what the kernel says beside an answer; *by* is its version, and what loaded the rules."""
    regions = [(hook, region) for hook in answer.hooks for region in hook.regions]
    ruled = [each.kernel for _, region in regions for each in region.packets if each.kernel]
    same, other = (sum(each.agrees is agrees for each in ruled) for agrees in (True, False))
    if other:
        summary = style(f"decides otherwise about {other} of {len(ruled)} packets", "block")
    elif same == len(ruled):
        summary = style("decides the same", "allow")
    else:
        summary = f"decides the same about {same} of {len(ruled)} packets; the others are not compared"
    lines = [f"{style('kernel', 'name')} ({by}): {summary}"]
    few = len(regions) <= MOST_REGIONS
    for hook, region in regions:
        if few or not all(each.kernel and each.kernel.agrees for each in region.packets):
            about = [_about(hook, region)] if len(regions) > 1 else []
            packets = list(_packets(region, style))
            lines += [f"  {line}" for line in ([*about, f"  {'; '.join(packets)}"] if about else packets)]
    return "\n".join(lines)


def _about(hook: HookAnswer, region: Region) -> str:
    where = "" if hook.hook is None else f"at {HOOKS[hook.hook]}, "
    return f"{where}{packets_text(region.example, hook=False)}"


def _packets(region: Region, style: Style) -> Iterator[str]:
    for each in region.packets:
        if each.kernel is not None:
            yield f"{ROLES[each.role]}: {_said(each, style)}"


def _said(packet: PacketAnswer, style: Style) -> str:
    ruled = packet.kernel
    assert ruled is not None
    if ruled.verdict is None:
        return f"not compared: {ruled.why}"
    said = verdict_text(ruled.verdict, style)
    if ruled.agrees is None:
        return f"{said}, not compared: {ruled.why}"
    if ruled.agrees:
        return said
    if ruled.verdict == packet.decision.verdict:
        left = ", ".join(f"{name} {value_text(name, value)}" for name, value in ruled.left.items())
        return f"{said}, but it leaves as another packet: {left}"
    return f"{said}, but fwpolicy says {VERDICTS[packet.decision.verdict]}"

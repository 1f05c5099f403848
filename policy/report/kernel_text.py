"""What the kernel decided about the packets of an answer, as text: the same, otherwise, or why it is not compared."""

from __future__ import annotations

from collections.abc import Iterator

from policy.app.answer import Answer, HookAnswer, PacketAnswer, Region
from policy.app.packets_text import packets_text
from policy.packet import HOOKS
from policy.packet.text import value_text
from policy.report.regions_text import ROLES, VERDICTS, verdict_text
from policy.report.style import Style


def kernel_text(answer: Answer, by: str, style: Style) -> str:
    """Return what the kernel says beside an answer; *by* is its version, and what loaded the rules.

    Packets about which it says the same are only counted.
    """
    regions = [(hook, region) for hook in answer.hooks for region in hook.regions]
    ruled = [each.kernel for _, region in regions for each in region.packets if each.kernel]
    same, other = (sum(each.agrees is agrees for each in ruled) for agrees in (True, False))
    if other:
        summary = style(f"decides otherwise about {_counted(other, len(ruled))}", "block")
    elif same == len(ruled):
        summary = style("decides the same", "allow")
    elif same:
        summary = f"decides the same about {_counted(same, len(ruled))}; the others are not compared"
    else:
        summary = "nothing is compared"
    lines = [f"{style('kernel', 'name')}: {summary} ({by})"]
    for hook, region in regions:
        packets = list(_packets(region, style))
        if packets and len(regions) > 1:
            lines.append(f"  {_about(hook, region)}")
        lines += [f"{'    ' if len(regions) > 1 else '  '}{packet}" for packet in packets]
    return "\n".join(lines)


def _counted(some: int, packets: int) -> str:
    return f"{some} of {packets} packets" if packets > 1 else "the packet"


def _about(hook: HookAnswer, region: Region) -> str:
    where = "" if hook.hook is None else f"at {HOOKS[hook.hook]}, "
    return f"{where}{packets_text(region.example, hook=False)}"


def _packets(region: Region, style: Style) -> Iterator[str]:
    for each in region.packets:
        if each.kernel is not None and not each.kernel.agrees:
            yield f"{ROLES[each.role]}: {_said(each, style)}"


def _said(packet: PacketAnswer, style: Style) -> str:
    ruled = packet.kernel
    assert ruled is not None
    if ruled.verdict is None:
        return f"not compared: {ruled.why}"
    said = verdict_text(ruled.verdict, style)
    if ruled.agrees is None:
        return f"{said}, not compared: {ruled.why}"
    if ruled.verdict == packet.decision.verdict:
        left = ", ".join(f"{name} {value_text(name, value)}" for name, value in ruled.left.items())
        return f"{said}, but it leaves as another packet: {left}"
    return f"{said}, but fwpolicy says {VERDICTS[packet.decision.verdict]}"

"""What linting gave, as JUnit XML: a suite for each file, and in it a case for each check, which passes or fails.

So a case has the same name before and after a change, and GitLab and Jenkins can say what is new and what is mended.
The measure is what Jenkins reads: https://github.com/jenkinsci/xunit-plugin, `junit-10.xsd`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from policy.app.linted import Linted, Unsettled
from policy.diagnostic import Diagnostic
from policy.report.diagnostics_text import diagnostic_text, diagnostics_text
from policy.report.relative import relative
from policy.report.style import clean

_Found = TypeVar("_Found")
_Places = dict[tuple[str, str], list[_Found]]
"""What there is by file and code."""


def junit(linted: Linted, fails: Callable[[Diagnostic], bool]) -> str:
    """Return the document; findings that are to *fail* do so, others are the output of a case that passes.

    A check that left something undecided in a file is skipped there, a file that cannot be read is an error.
    """
    findings, undecided = _by_place(linted)
    unread = defaultdict(list)
    for error in linted.errors:
        unread[error.span.source.name].append(error)
    top = Element("testsuites", name="fwpolicy")
    for file in sorted({*linted.files, *unread}):
        suite = SubElement(top, "testsuite", name=_path(file))
        case = _case(suite, file, "the file can be read")
        if unread[file]:
            _tell(case, "error", unread[file][0].code, unread[file][0].message, diagnostics_text(unread[file]))
        for check in linted.checked.get(file, ()):
            case = _case(suite, file, f"{check.code} {check.name}")
            _judge(case, findings[file, check.code], undecided[file, check.code], fails)
    for suite in (*top, top):
        _count(suite)
    indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(top, encoding="unicode")}'


def _by_place(linted: Linted) -> tuple[_Places[Diagnostic], _Places[Unsettled]]:
    findings: _Places[Diagnostic] = defaultdict(list)
    undecided: _Places[Unsettled] = defaultdict(list)
    for finding in linted.findings:
        findings[finding.span.source.name, finding.code].append(finding)
    for each in linted.undecided:
        undecided[each.span.source.name, each.check.code].append(each)
    return findings, undecided


def _judge(
    case: Element, findings: list[Diagnostic], undecided: list[Unsettled], fails: Callable[[Diagnostic], bool]
) -> None:
    """Say of a case whether it passes."""
    bad = [finding for finding in findings if fails(finding)]
    if bad:
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        message = f"line {bad[0].span.line}: {bad[0].message}{more}"
        _tell(case, "failure", bad[0].severity, message, _frames(bad))
    elif undecided:
        SubElement(case, "skipped", message=clean(f"undecided: {undecided[0].reason}"))
    if others := [finding for finding in findings if not fails(finding)]:
        SubElement(case, "system-out").text = _frames(others)


def _tell(case: Element, what: str, type: str, message: str, text: str) -> None:
    SubElement(case, what, type=type, message=clean(message)).text = text


def _case(suite: Element, file: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=_path(file), name=name, file=_path(file))


def _path(file: str) -> str:
    return clean(relative(file).as_posix())


def _frames(findings: list[Diagnostic]) -> str:
    return "\n\n".join(map(diagnostic_text, findings))


def _count(suite: Element) -> None:
    """Write how many cases there are, and how they ended."""
    suite.set("tests", str(len(suite.findall(".//testcase"))))
    for name, what in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f".//{what}"))))

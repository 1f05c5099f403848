"""The layout of native files: one, stable, with every comment, and without any change of meaning."""

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.diagnostic import Collector, Mistakes
from policy.languages import formatter
from policy.languages.native import ast
from policy.languages.native.parse import parse_file
from policy.languages.native.printer import file_text
from policy.source import Source
from tests.casefile import cases
from tests.native_strategies import files

MESSY = """\


# the border
network office=10.1.0.0/16,2001:db8:1::/48
host db = 10.2.0.5   # the database
service  web= tcp/80 ,tcp/{ 443 , 8443 }


network servers = 10.2.0.0/24,   # four
        10.3.0.0/24
policy border at input,forward stateless{   # fwpolicy: ignore FW212

  default   block
  allow web from any to servers
  # staff
  allow tcp/5432 to db from office as staff-db   # keep

  allow tcp/22 from office port dynamic to servers except db log note "a  b"
 reject from 10.1.2.3:80 with mark 0x10 , ttl 1
  call lan any

}
policy lan { return any }
"""

TIDY = """\
# the border
network office = 10.1.0.0/16, 2001:db8:1::/48
host    db     = 10.2.0.5  # the database
service web    = tcp/80, tcp/{443,8443}

network servers = 10.2.0.0/24, # four
    10.3.0.0/24
policy border at input, forward stateless {  # fwpolicy: ignore FW212
    default block
    allow web      from any    to servers
    # staff
    allow tcp/5432 from office to db      as staff-db  # keep

    allow    tcp/22 from office port dynamic to servers except db note "a  b" log
    reject          from 10.1.2.3:80                              with ttl 1, mark 0x10
    call lan any
}
policy lan {
    return any
}
"""


def formatted(text: str) -> str:
    native = formatter("native")
    assert native is not None
    return native.format(Source("rules.fw", text))


def tree(text: str) -> ast.File:
    collector = Collector()
    file = parse_file(Source("rules.fw", text), collector)
    collector.check()
    return file


def marks(text: str) -> list[list[tuple[tuple[str, ...], str | None]]]:
    """The suppressions of everything in a file."""
    nodes = [node for each in tree(text).statements for node in (each, *getattr(each, "body", ()))]
    return [[(s.checks, s.reason) for s in getattr(node, "suppressions", ())] for node in nodes]


def comments(text: str) -> list[str]:
    return [comment.rstrip() for comment in re.findall(r"#[^\n]*", text)]


def test_the_layout() -> None:
    assert formatted(MESSY) == TIDY.replace("with ttl 1, mark 0x10", "with mark 0x10, ttl 1")


@pytest.mark.parametrize(
    "text", [MESSY, "", "\n\n", "# only\n\n\n# comments", "policy p {}\n", "\ufeffpolicy p {\r\n}\r\n"]
)
def test_again_changes_nothing(text: str) -> None:
    assert formatted(formatted(text)) == formatted(text)


@pytest.mark.parametrize("case", [case for case in cases("native") if not case.expected], ids=lambda case: case.name)
def test_case_files(case) -> None:  # type: ignore[no-untyped-def]
    assert tree(formatted(case.text)) == tree(case.text)
    assert comments(formatted(case.text)) == comments(case.text)


def test_the_example_of_the_docs() -> None:
    text = (Path(__file__).parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
    example = textwrap.dedent(text[text.index("    # the head") : text.index("## Files")].rstrip()) + "\n"
    assert formatted(example) == example


@pytest.mark.parametrize("end", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85", "\r"])
def test_only_a_line_feed_ends_a_line(end: str) -> None:
    text = f'policy p {{\n    allow tcp/80,\n  tcp/81 note "a{end}b  c"\n}}\n'
    assert formatted(text) == f'policy p {{\n    allow tcp/80,\n        tcp/81 note "a{end}b  c"\n}}\n'


def test_what_cannot_be_read_is_left_alone() -> None:
    with pytest.raises(Mistakes):
        formatted("policy p {\n    alow any\n}\n")


def test_names_need_not_be_known() -> None:
    assert formatted("policy p { allow web\n}") == "policy p {\n    allow web\n}\n"


NOISE = st.sampled_from(
    ("\n", "\n\n\n", "  ", "\t", " # fwpolicy: ignore FW201\n", "\n# plain\n", "# fwpolicy: ignore: why\n", "\r\n")
)


@given(files, st.lists(st.tuples(NOISE, st.integers(0, 30)), min_size=1, max_size=8))
def test_any_file(file: ast.File, noise: list[tuple[str, int]]) -> None:
    lines = file_text(file).splitlines(keepends=True)
    for piece, at in noise:
        lines.insert(at % (len(lines) + 1), piece)
    text = re.sub(r"(?<=[,{}]) ", " \t ", "".join(lines))
    done = formatted(text)
    assert tree(done) == tree(text)
    assert marks(done) == marks(text)
    assert comments(done) == comments(text)
    assert formatted(done) == done

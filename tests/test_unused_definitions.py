"""What FW702 says where files include others, and what `--fix` makes of it."""

from __future__ import annotations

from pathlib import Path

from tests.command import run


def test_names_of_an_included_file_may_serve_others(tmp_path: Path) -> None:
    (tmp_path / "names.fw").write_text("network office = 10.1.0.0/16\nnetwork guests = 10.7.0.0/16\n")
    root = tmp_path / "rules.fw"
    root.write_text(
        'include "names.fw"\nnetwork lab = 10.8.0.0/16\n'
        "policy border {\n    default block\n    allow tcp/443 from office\n}\n"
    )
    found = run("lint", "--select", "FW702", "--format", "json", str(tmp_path)).json()["findings"]
    assert [(each["file"], each["line"]) for each in found] == [(str(root), 2)]


def test_the_fix_takes_whole_definitions_and_keeps_comments(tmp_path: Path) -> None:
    file = tmp_path / "rules.fw"
    file.write_text(
        "# the networks\nnetwork office = 10.1.0.0/16\nnetwork lab = 10.8.0.0/16,  # one\n    10.9.0.0/16\n"
        "service both = web, tcp/22\nservice web = tcp/80\n\n"
        "policy border {\n    default block\n    allow tcp/443 from office\n}\n"
    )
    assert run("lint", "--select", "FW702", "--fix", str(file)).status == 0
    assert file.read_text() == (
        "# the networks\nnetwork office = 10.1.0.0/16\n# one\n\n"
        "policy border {\n    default block\n    allow tcp/443 from office\n}\n"
    )


NFTABLES = """# fwpolicy: ignore FW702: for the lab
define lab = 10.9.0.0/16
define old = 10.8.0.0/16
table inet filter {
	# fwpolicy: ignore FW702: a program asks for it
	set banned { type ipv4_addr; }

	# fwpolicy: ignore FW812: no more
	set admins {
		type ipv4_addr
	}

	chain input {
		type filter hook input priority filter; policy drop;
		tcp dport 22 accept
	}
}
"""


def test_what_silences_stands_above_names_of_nftables(tmp_path: Path) -> None:
    (file := tmp_path / "rules.nft").write_text(NFTABLES)
    found = run("lint", "--select", "FW702", "--format", "json", str(file)).json()["findings"]
    assert [each["line"] for each in found] == [3, 9]
    run("lint", "--select", "FW702", "--fix", "--unsafe-fixes", str(file))
    gone = NFTABLES.replace("define old = 10.8.0.0/16\n", "")
    gone = gone.replace("\t# fwpolicy: ignore FW812: no more\n\tset admins {\n\t\ttype ipv4_addr\n\t}\n\n", "")
    assert file.read_text() == gone

"""What diagrams show of a scenario that was played."""

from __future__ import annotations

from policy.app.load import load
from policy.host import own
from policy.packet.address import parse_address
from policy.report.sequence import MOST, Arrow, Heading, Lane, Pause, Picture, Stop, Tag, sequence
from policy.simulate import scenario as s
from policy.source import Source
from tests.scenes import hairpin, names, played, refusals, scenario, tcp, udp, web


def shown(found: s.Scenario) -> Picture:
    return sequence(found, played(found))


def steps(picture: Picture) -> list[list[Arrow | Tag | Pause]]:
    """Return what is below each heading."""
    found: list[list[Arrow | Tag | Pause]] = []
    for item in picture.items:
        if isinstance(item, Heading):
            found.append([])
        else:
            found[-1].append(item)
    return found


def arrows(items: list[Arrow | Tag | Pause]) -> list[Arrow]:
    return [item for item in items if isinstance(item, Arrow)]


def test_hosts_stand_in_order_with_their_addresses() -> None:
    picture = shown(web())
    assert picture.lanes == (
        Lane("client", ("eth0 10.0.0.2/24",)),
        Lane("gate", ("lan 10.0.0.1/24", "wan 192.0.2.1/24", "router", "rules: gate.nft")),
        Lane("server", ("eth0 192.0.2.9/24",)),
    )


def test_a_packet_through_a_gateway() -> None:
    items = steps(shown(web()))[1]
    syn, answer, ack = arrows(items)
    assert (syn.label, syn.time) == ("SYN", "0 s")
    assert syn.stops == (Stop(0), Stop(1, "gate:11"), Stop(2))
    assert [(leg.ends, leg.rewritten) for leg in syn.legs] == [
        (":50001 → :80", False),
        ("192.0.2.1:50001 → :80", True),
    ]
    assert answer.stops == (Stop(2), Stop(1, "gate:10"), Stop(0))
    assert answer.legs[1].ends == ":80 → 10.0.0.2:50001"
    assert (ack.label, ack.time) == ("ACK", "4 ms")


def test_states_stand_where_they_change() -> None:
    items = steps(shown(web()))[1]
    assert [item.label if isinstance(item, Arrow) else item.text for item in items] == [
        "page: syn-sent",
        "SYN",
        "web/page: syn-received",
        "SYN+ACK",
        "page: established",
        "ACK",
        "web/page: established",
    ]
    assert [item.lane for item in items if isinstance(item, Tag)] == [0, 2, 0, 2]


def test_packets_that_are_alike_are_one() -> None:
    items = steps(shown(web()))[4]
    assert [arrow.label for arrow in arrows(items)] == ["3 × 1460 bytes", "620 bytes", "4 × ACK"]


def test_what_is_sent_again_is_one_and_the_wait_is_shown() -> None:
    items = steps(shown(refusals()))[1]
    first, again = arrows(items)
    assert (first.repeated, first.stops[-1]) == (False, Stop(1, "gate:default", "dropped"))
    assert (again.label, again.time, again.repeated) == ("10 × SYN again, last at 67 s", "1 s", True)
    assert items[-2:] == [Pause("64 s later"), Tag(0, "b: closed")]


def test_answers_to_what_is_sent_again_are_one() -> None:
    """A connection goes on after an error that may pass."""
    rules = "table ip t { chain c { type filter hook forward priority 0; log reject with icmp net-unreachable; } }"
    known = own("10.0.0.1/24@lan") | own("192.0.2.1/24@wan")
    found = scenario(
        "On and on",
        s.Listen("server", tcp(80), "web"),
        s.Connect("client", "server", tcp(80), "c"),
        s.Reload("gate", s.Firewall(load(Source("no.nft", rules), "nftables", known))),
        s.Send("c", 5),
        s.Wait(10),
    )
    *_, items = steps(shown(found))
    texts = [item.label if isinstance(item, Arrow) else item.text for item in items]
    again, error = arrows(items)
    assert again.label == "5 × 5 bytes again, last at 6.2 s"
    assert error.label == "5 × ICMP network-unreachable"
    assert texts.count("logs it") == 1


def test_what_stops_a_packet_is_said() -> None:
    found = steps(shown(refusals()))
    ends = [arrows(items)[0].stops[-1] for items in found]
    assert ends == [
        Stop(2, None, None, "nobody wants it"),
        Stop(1, "gate:default", "dropped"),
        Stop(1, "gate:14", "rejected"),
        Stop(1, "gate:15", "rejected"),
    ]
    assert Tag(1, "logs it: “no mail:”") in found[3]
    assert arrows(found[2])[1].label == "ICMP communication-prohibited"
    assert arrows(found[2])[1].stops == (Stop(1), Stop(0))


def test_headings_say_what_came_of_a_step() -> None:
    headings = [item for item in shown(refusals()).items if isinstance(item, Heading)]
    assert [(heading.held, heading.good) for heading in headings] == [
        (True, False),
        (False, False),
        (True, False),
        (True, False),
    ]
    assert headings[1].missed == ("expected `refused`, and it is `timed out`",)
    first, second = [item for item in shown(web()).items if isinstance(item, Heading)][:2]
    assert (first.text, first.result, first.held) == ("server listens at tcp/80, as web", "", None)
    assert (second.result, second.good, second.held) == ("connected", True, True)


def test_an_error_says_whom_it_goes_to_where_that_changes() -> None:
    error = arrows(steps(shown(names()))[1])[1]
    assert (error.label, [leg.ends for leg in error.legs]) == ("ICMP port-unreachable", ["", "to 10.0.0.2"])


def test_a_scan_is_told_by_what_came_of_it() -> None:
    picture = shown(names())
    heading = [item for item in picture.items if isinstance(item, Heading)][-1]
    assert heading.result == "closed: 22; filtered: 21, 23"
    found = arrows(steps(picture)[-1])
    assert [(arrow.label, arrow.legs[0].ends) for arrow in found] == [
        ("2 × SYN", ":61000 → :21, 23"),
        ("SYN", ":61000 → :22"),
        ("RST", ":22 → :61000"),
    ]


def test_a_packet_that_turns_back_and_one_to_oneself() -> None:
    _, there, self, nobody, nowhere = steps(shown(hairpin()))
    first = arrows(there)[0]
    assert [stop.lane for stop in first.stops] == [0, 2, 1]
    assert first.legs[1].ends == "10.0.0.1:50007 → 10.0.0.3:80"
    assert [stop.lane for stop in arrows(self)[0].stops] == [0, 0]
    lost = arrows(nobody)[0]
    assert (lost.stops, lost.legs) == ((Stop(1, None, "no way on"),), ())
    assert arrows(nowhere)[0].stops[-1].end == "no way on"


def test_time_that_passes_is_shown_once() -> None:
    *_, waiting = steps(shown(web()))
    assert waiting == [Pause("60 s later"), Tag(0, "page: closed"), Pause("1 s later")]


def test_a_step_with_very_many_packets_is_cut() -> None:
    flood = [
        s.Step(s.Connect("client", "server", udp(53), "q")),
        s.Step(s.Scan("client", ("server",), s.Ports(6, 1, 9))),
    ]
    assert len(steps(shown(scenario("Few", *flood)))[1]) < MOST
    text = "GET " * 10_000
    deeds = (s.Listen("server", tcp(80), "web"), s.Connect("client", "server", tcp(80), "c"), s.Send("c", text=text))
    assert len(steps(shown(scenario("Much", *deeds)))[2]) <= MOST + 1


def test_texts_are_cut_and_clean() -> None:
    said = "x" * 500 + "\r\n\r\n"
    found = scenario(
        "Title\n\x1b[31mred",
        s.Listen("server", tcp(80), "a" * 90),
        s.Connect("client", parse_address("192.0.2.9"), tcp(80), "b"),
        s.Step(s.Send("b", text=said), note="two\nlines"),
    )
    picture = shown(found)
    assert picture.title.isprintable()
    texts = [item.text for item in picture.items if isinstance(item, Tag)]
    assert all(len(text) < 50 for text in texts)
    assert all(len(item.label) < 60 for item in picture.items if isinstance(item, Arrow))
    last = [item for item in picture.items if isinstance(item, Heading)][-1]
    assert last.note == "two␊lines"
    assert last.text == f'b sends "{"x" * 500}"'

"""The tables that checks know the world from: every row can be used, and none contradicts another table."""

from policy.check.services import notable
from policy.check.tables import rows
from policy.check.transports import one_transport
from policy.packet.fields import TCP, UDP
from policy.packet.names import port_category


def test_transports() -> None:
    table = one_transport()
    assert len(table) == len(rows("transports.tsv"))
    assert {each.transport for each in table.values()} == {TCP, UDP}
    assert all(0 < port < 65536 and each.name and each.source for port, each in table.items())


def test_no_notable_service_has_the_other_transport() -> None:
    table = one_transport()
    wrong = [
        str(service)
        for service in notable()
        for low, high in service.ports.ranges
        for port in range(low, high + 1)
        if port in table and table[port].transport != service.protocol
    ]
    assert not wrong


def test_dynamic_ports_are_dynamic() -> None:
    assert all(port_category(int(port)) == "dynamic" for port, _, _ in rows("dynamic.tsv"))


def test_protocols_are_known_once_and_have_no_ports() -> None:
    numbers = [int(number) for number, _, _ in rows("protocols.tsv")]
    assert len(set(numbers)) == len(numbers)
    assert not {TCP, UDP, 50, 51} & set(numbers)

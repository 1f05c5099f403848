"""Settings are shown as the TOML that says them."""

import tomllib
from datetime import date

from policy.check import Settings, Zone
from policy.packet import Names
from policy.packet.address import parse_prefix
from policy.report.settings_toml import settings_toml


def test_the_defaults_need_no_configuration() -> None:
    assert settings_toml(Settings()) == settings_toml(Settings(today=date(2026, 11, 25))) == ""


def test_everything_is_said() -> None:
    inside = parse_prefix("10.0.0.0/8") | parse_prefix("2001:db8::/32")
    settings = Settings(
        zones=(
            Zone("internet", Names.of("wan0", "ppp+"), untrusted=True),
            Zone("the office", addresses=inside),
        ),
        wide_ports=50,
        expiry_days=7,
        names={"network": r"net_\d+", "host": 'a"b'},
        today=date(2026, 11, 25),
    )
    assert tomllib.loads(settings_toml(settings)) == {
        "wide-ports": 50,
        "expiry-days": 7,
        "names": {"network": r"net_\d+", "host": 'a"b'},
        "zones": {
            "internet": {"interfaces": ["ppp+", "wan0"], "untrusted": True},
            "the office": {"addresses": ["10.0.0.0/8", "2001:db8::/32"]},
        },
    }

"""Settings are shown as the TOML that says them, and read back from it."""

from datetime import date
from pathlib import Path

from policy.app.config.plan import plan
from policy.app.config.read import configuration
from policy.check import Settings, Zone
from policy.packet import Names
from policy.packet.address import parse_prefix
from policy.report.settings_toml import settings_toml


def test_the_defaults_need_no_configuration() -> None:
    assert settings_toml(Settings()) == settings_toml(Settings(today=date(2026, 11, 25))) == ""


def test_the_configuration_that_is_shown_says_the_settings(tmp_path: Path) -> None:
    settings = Settings(
        zones=(
            Zone("internet", Names.of("wan0", "ppp+"), untrusted=True),
            Zone("the office", addresses=parse_prefix("10.0.0.0/8") | parse_prefix("2001:db8::/32")),
        ),
        wide_ports=50,
        expiry_days=7,
        names={"network": r"net_\d+", "host": 'a"b'},
        today=date(2026, 11, 25),
    )
    file = tmp_path / "fwpolicy.toml"
    file.write_text(settings_toml(settings), encoding="utf-8")
    read = plan(["rules.fw"], configuration(str(tmp_path), str(file)), {}, settings.today)
    assert read.linting.usual.settings == settings

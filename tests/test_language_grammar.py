"""The cache of grammars is fast, private and harmless."""

from pathlib import Path

import lark
import pytest

from policy._data import data_dir
from policy.language import grammar


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fwpolicy"


@pytest.fixture(autouse=True)
def _forget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "_INSTALLED", tmp_path / "installed")
    grammar.open_grammar.cache_clear()
    grammar._cache_folder.cache_clear()


def opened() -> object:
    grammar.open_grammar.cache_clear()
    grammar._cache_folder.cache_clear()
    parser = grammar.open_grammar("question")
    assert parser.parse("tcp/80 from 10.0.0.1").data == "question"
    return parser.source_path


def test_tables_are_kept_and_found_again(cache: Path) -> None:
    assert opened() != "<deserialized>"
    (file,) = cache.iterdir()
    assert cache.stat().st_mode & 0o777 == 0o700
    assert opened() == "<deserialized>"
    file.write_bytes(b"damaged")
    assert opened() != "<deserialized>"
    assert opened() == "<deserialized>"


def test_a_folder_that_others_may_enter_is_not_used(cache: Path) -> None:
    cache.mkdir(mode=0o755)
    cache.chmod(0o755)
    opened()
    assert list(cache.iterdir()) == []


def test_a_link_is_not_followed(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    opened()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_without_a_place_for_it_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert opened() != "<deserialized>"


def test_another_version_has_another_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    monkeypatch.setattr(lark, "__version__", "0")
    assert opened() != "<deserialized>"
    assert len(list(cache.iterdir())) == 2


def test_tables_that_are_installed_come_first(cache: Path) -> None:
    grammar.install(grammar._INSTALLED)
    assert {file.name.partition("-")[0] for file in grammar._INSTALLED.iterdir()} == set(grammar.GRAMMARS)
    assert opened() == "<deserialized>"
    assert list(cache.iterdir()) == []


def test_every_grammar_is_installed() -> None:
    used = {file.stem for file in data_dir("grammar").glob("*.lark")} - {"terminals"}
    assert set(grammar.GRAMMARS) == used

"""The cache of grammars is fast, private and harmless."""

from pathlib import Path

import lark
import pytest

from policy.language import grammar


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fwpolicy"


@pytest.fixture(autouse=True)
def _forget() -> None:
    grammar.open_grammar.cache_clear()
    grammar._cache_folder.cache_clear()


def opened() -> object:
    grammar.open_grammar.cache_clear()
    grammar._cache_folder.cache_clear()
    parser = grammar.open_grammar("question", ("question",))
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

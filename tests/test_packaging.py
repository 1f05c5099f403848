"""The data that travels with the package; `scripts/check_wheel.py` builds and tries the real thing."""

import tomllib
from pathlib import Path

import pytest

from policy import _data

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

each_folder = pytest.mark.parametrize("name", sorted(FOLDERS))


def test_the_wheel_takes_the_data_along() -> None:
    assert FOLDERS == {"grammar": "policy/grammar", "rules": "policy/rules", "schemas": "policy/schemas"}


def test_tables_lie_in_the_package_which_the_wheel_takes_whole() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["policy"]
    assert not {"include", "exclude", "only-include"} & wheel.keys()
    tables = {file.name for file in (ROOT / "policy" / "check" / "data").iterdir()}
    assert {"services.tsv", "interfaces.tsv"} <= tables


@each_folder
def test_a_folder_of_data_is_found(name: str) -> None:
    assert any(file.is_file() for file in (ROOT / name).rglob("*"))
    assert _data.data_dir(name) == ROOT / name


@each_folder
def test_the_package_has_no_folder_of_that_name(name: str) -> None:
    assert not (ROOT / FOLDERS[name]).exists(), "it would hide the data in a checkout and meet it in the wheel"


def test_inside_the_package_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, beside = tmp_path / "policy", tmp_path
    for folder in (inside / "rules", beside / "rules", beside / "grammar"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(_data, "_PLACES", (inside, beside))
    assert _data.data_dir("rules") == inside / "rules"
    assert _data.data_dir("grammar") == beside / "grammar"


def test_a_missing_folder_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="`nowhere`"):
        _data.data_dir("nowhere")

"""Opens the grammars of `grammar/` with lark, LALR only, and keeps their tables.

`python -m policy.language.grammar` makes the tables that are installed with the package (`make`, and whoever builds a
wheel, calls it); they can be trusted as much as the code beside them. For another Python or another lark, tables are
kept in a private cache: a folder of the user that nobody else may enter, because its files are pickles, and loading
one that a stranger could write would run the stranger's code. Whatever goes wrong with either is no failure: the
tables are then built from the grammar, which takes some tenths of a second.
"""

from __future__ import annotations

import os
import pickle
import re
import stat
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import lark

from policy._data import data_dir

GRAMMARS: dict[str, tuple[str, ...]] = {
    "native": ("top", "body"),
    "question": ("question",),
    "iptables": ("start",),
    "ipset": ("start",),
    "nftables": ("head", "inner", "hook", "kind", "rule", "element"),
}
"""Every grammar that is opened, and its start rules."""

_INSTALLED = Path(__file__).parent / "tables"
_IMPORT = re.compile(r"^%import \.(\w+)", re.MULTILINE)
_OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "contextual", "maybe_placeholders": True}
_NOT_SAVED = ("transformer", "postlex", "lexer_callbacks", "edit_terminals", "_plugins")


@cache
def open_grammar(name: str, transformer: object = None) -> lark.Lark:
    """Return the parser of `grammar/NAME.lark`, a key of `GRAMMARS`.

    With a *transformer* (an object with a method per rule, and per terminal) no tree is built: `parse`
    returns what the transformer makes of the start rule.
    """
    texts = _texts(name)
    file = _file_name(name, texts)
    folder = _cache_folder()
    for place in (_INSTALLED, folder):
        if place is not None and (parser := _load(place / file, transformer)) is not None:
            return parser
    parser = _built(name, texts, transformer)
    if folder is not None:
        _save(parser, folder / file)
    return parser


def install(folder: Path) -> None:
    """Build all grammars, and put their tables into *folder*, without those that were there before."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.tables"):
        old.unlink()
    for name in GRAMMARS:
        texts = _texts(name)
        _save(_built(name, texts), folder / _file_name(name, texts))


def _built(name: str, texts: dict[str, str], transformer: object = None) -> lark.Lark:
    return lark.Lark(
        texts[name],
        source_path=str(data_dir("grammar") / f"{name}.lark"),
        start=list(GRAMMARS[name]),
        transformer=transformer,
        **_OPTIONS,
    )


def _texts(name: str) -> dict[str, str]:
    """Return the text of a grammar and of all that it imports, by name."""
    texts: dict[str, str] = {}
    todo = [name]
    while todo:
        each = todo.pop()
        if each not in texts:
            texts[each] = (data_dir("grammar") / f"{each}.lark").read_text(encoding="utf-8")
            todo += _IMPORT.findall(texts[each])
    return texts


def _file_name(name: str, texts: dict[str, str]) -> str:
    """Return what the file with the tables of a grammar is called: other versions and texts have other files."""
    parts = (sys.version, lark.__version__, repr(_OPTIONS), repr(GRAMMARS[name]), repr(sorted(texts.items())))
    return f"{name}-{sha256(repr(parts).encode()).hexdigest()[:32]}.tables"


@cache
def _cache_folder() -> Path | None:
    """Return the user's cache folder, made if need be; None unless it is ours and closed to all others."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or "")
        folder = (root if root.is_absolute() else Path.home() / ".cache") / "fwpolicy"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        safe = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    except (OSError, RuntimeError, AttributeError, ValueError):
        return None
    return folder if safe else None


def _load(path: Path, transformer: object) -> lark.Lark | None:
    try:
        saved = pickle.loads(path.read_bytes())  # noqa: S301 (nobody else can write it than who installed the code, or the user)
        # `Lark.load` takes no transformer; this is what lark's own stand-alone parsers call.
        load: Callable[..., lark.Lark] = lark.Lark._load_from_dict  # noqa: SLF001
        return load(saved["data"], saved["memo"], transformer=transformer)
    except Exception:  # noqa: BLE001 (a damaged file may fail in any way: the grammar itself is the truth)
        return None


def _save(parser: lark.Lark, path: Path) -> None:
    stream = BytesIO()
    try:
        parser.save(stream, _NOT_SAVED)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_bytes(stream.getvalue())
        draft.replace(path)
    except Exception:  # noqa: BLE001 (a full disk, a read-only home: the next run builds the tables again)
        return


if __name__ == "__main__":
    install(_INSTALLED)

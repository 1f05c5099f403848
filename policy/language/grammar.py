"""Opens the grammars of `grammar/` with lark, LALR only, and keeps their tables in a private cache.

The cache is a folder of the user that nobody else may enter: its files are pickles, and loading one
that a stranger could write would run the stranger's code. Whatever goes wrong with it is no failure:
the tables are then built from the grammar, which takes some tenths of a second.
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

_IMPORT = re.compile(r"^%import \.(\w+)", re.MULTILINE)
_OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "contextual", "maybe_placeholders": True}
_NOT_SAVED = ("transformer", "postlex", "lexer_callbacks", "edit_terminals", "_plugins")


@cache
def open_grammar(name: str, start: tuple[str, ...], transformer: object = None) -> lark.Lark:
    """Return the parser of `grammar/NAME.lark` with the given start rules.

    With a *transformer* (an object with a method per rule, and per terminal) no tree is built: `parse`
    returns what the transformer makes of the start rule.
    """
    texts = _texts(name)
    path = _cache_file(name, start, texts)
    if path is not None and (parser := _load(path, transformer)) is not None:
        return parser
    parser = lark.Lark(
        texts[name],
        source_path=str(data_dir("grammar") / f"{name}.lark"),
        start=list(start),
        transformer=transformer,
        **_OPTIONS,
    )
    if path is not None:
        _save(parser, path)
    return parser


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


def _cache_file(name: str, start: tuple[str, ...], texts: dict[str, str]) -> Path | None:
    """Return where the tables of a grammar are kept, or None when there is no safe place for them."""
    folder = _cache_folder()
    if folder is None:
        return None
    parts = (sys.version, lark.__version__, repr(_OPTIONS), repr(start), repr(sorted(texts.items())))
    return folder / f"{name}-{sha256(repr(parts).encode()).hexdigest()[:32]}.tables"


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
        saved = pickle.loads(path.read_bytes())  # noqa: S301 (nobody else can write it)
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

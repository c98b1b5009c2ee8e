"""Files of a store behind any fsspec URL (``memory://``, ``s3://``, ``gs://`` ...)."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec

from feature_store.errors import StoreMissingError
from feature_store.layout import TEMP_SUFFIX
from feature_store.storage import Entry, LocalStorage, Storage


def open_storage(url: str | Path) -> Storage:
    """Local disk for a path or ``file://``, fsspec for every other URL; raises :class:`StoreMissingError`."""
    text = os.fspath(url)
    if "://" not in text:
        return LocalStorage(Path(text).absolute())
    try:
        filesystem, root = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError) as error:
        raise StoreMissingError(f"cannot open {text}: {error}", remedy="install the fsspec driver it names") from error
    if "file" in _protocols(filesystem):
        return LocalStorage(Path(root))
    return RemoteStorage(text, filesystem=filesystem, root=root)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


class RemoteStorage:
    """An object store: a put appears whole or not at all, so nothing needs renaming."""

    def __init__(self, url: str, *, filesystem: Any, root: str) -> None:
        self.local_root: Path | None = None
        self.url = url
        self.fs = filesystem
        self.root = root.rstrip("/")

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def exists(self) -> bool:
        """Object stores have no folders: a root always exists."""
        return True

    def size(self, path: str) -> int | None:
        """Bytes of a file, None if there is none."""
        try:
            self.fs.invalidate_cache(self._at(path).rsplit("/", 1)[0])
            return int(self.fs.info(self._at(path))["size"])
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes:
        """Whole file; raises ``FileNotFoundError``."""
        return bytes(self.fs.cat_file(self._at(path)))

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Whole files, fetched together; None for each that is gone."""
        if not paths:
            return []
        found = self.fs.cat([self._at(path) for path in paths], on_error="omit")
        by_name = {key.rsplit("/", 1)[-1]: bytes(data) for key, data in found.items()}
        return [by_name.get(path.rsplit("/", 1)[-1]) for path in paths]

    def entries(self, path: str) -> list[Entry]:
        """What lies directly in a folder, by name; nothing if there is no such folder."""
        try:
            self.fs.invalidate_cache(self._at(path))
            found = self.fs.ls(self._at(path), detail=True)
        except FileNotFoundError:
            return []
        return sorted(_entry(info) for info in found)

    def write(self, path: str, data: bytes) -> None:
        """Write or replace a file."""
        self.fs.makedirs(self._at(path).rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(self._at(path), data)

    def write_new(self, path: str, data: bytes) -> None:
        """Like :meth:`write`, but raises ``FileExistsError`` if the file is there already."""
        if self.size(path) is not None:
            raise FileExistsError(path)
        self.write(path, data)

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens if it is gone."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._at(path))

    def open_input(self, path: str) -> IO[bytes]:
        """Open for reading, seekable."""
        return self.fs.open(self._at(path), "rb")

    def temporary(self, path: str) -> Path:
        """A fresh name on this machine's own disk."""
        return (
            Path(tempfile.gettempdir())
            / f".{path.rsplit('/', 1)[-1]}.{os.getpid()}-{secrets.token_hex(4)}{TEMP_SUFFIX}"
        )

    def publish(self, temporary: Path, path: str) -> None:
        """Upload a finished temporary file and delete it here."""
        self.fs.makedirs(self._at(path).rsplit("/", 1)[0], exist_ok=True)
        self.fs.put_file(str(temporary), self._at(path))
        temporary.unlink()

    def in_use(self, path: str) -> bool:
        """Object stores have no locks."""
        return False


def _entry(info: dict[str, Any]) -> Entry:
    modified = next((info[key] for key in ("mtime", "LastModified", "last_modified", "created") if key in info), None)
    if isinstance(modified, datetime):
        modified = modified.timestamp()
    name = str(info["name"]).rstrip("/").rsplit("/", 1)[-1]
    return Entry(name, int(info.get("size") or 0), info.get("type") == "directory", modified)

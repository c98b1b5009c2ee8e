"""Files of a store on a local disk: atomic writes, and locks that tell a living writer from a dead one's leftovers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from feature_store.errors import StoreError, StoreMissingError
from feature_store.layout import TEMP_SUFFIX


class Entry(NamedTuple):
    """A file or folder in a listing."""

    name: str
    size: int
    folder: bool
    modified: float | None  # seconds since 1970, None where the file system does not say


class Storage(Protocol):
    """What the store needs of a file system. Paths are relative to its root, with ``/``."""

    url: str
    local_root: Path | None

    def exists(self) -> bool: ...  # noqa: D102
    def size(self, path: str) -> int | None: ...  # noqa: D102
    def read(self, path: str) -> bytes: ...  # noqa: D102
    def read_many(self, paths: Sequence[str]) -> list[bytes | None]: ...  # noqa: D102
    def entries(self, path: str) -> list[Entry]: ...  # noqa: D102
    def write(self, path: str, data: bytes) -> None: ...  # noqa: D102
    def write_new(self, path: str, data: bytes) -> None: ...  # noqa: D102
    def remove(self, path: str) -> None: ...  # noqa: D102
    def open_input(self, path: str) -> IO[bytes]: ...  # noqa: D102
    def temporary(self, path: str) -> Path: ...  # noqa: D102
    def publish(self, temporary: Path, path: str) -> None: ...  # noqa: D102
    def in_use(self, path: str) -> bool: ...  # noqa: D102


class LocalStorage:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.local_root: Path | None = root
        self.root = root
        self.url = str(root)

    def exists(self) -> bool:
        """True if the root is a folder."""
        if self.root.exists() and not self.root.is_dir():
            raise StoreMissingError(f"{self.root} is a file, not the folder of a feature store")
        return self.root.is_dir()

    def size(self, path: str) -> int | None:
        """Bytes of a file, None if there is none."""
        try:
            return os.stat(self.root / path).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> bytes:
        """Whole file; raises ``FileNotFoundError``."""
        return (self.root / path).read_bytes()

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Whole files, None for each that is gone."""
        return [self._read_or_none(path) for path in paths]

    def _read_or_none(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def entries(self, path: str) -> list[Entry]:
        """What lies directly in a folder, by name; nothing if there is no such folder."""
        try:
            with os.scandir(self.root / path) as found:
                return sorted(_entry(item) for item in found)
        except FileNotFoundError:
            return []

    def write(self, path: str, data: bytes) -> None:
        """Write or replace a file at once: readers see the old or the new one, also after a crash."""
        with self._written(path, data) as temporary:
            os.replace(temporary, self.root / path)
        sync_folder((self.root / path).parent)

    def write_new(self, path: str, data: bytes) -> None:
        """Like :meth:`write`, but raises ``FileExistsError`` if the file is there already."""
        with self._written(path, data) as temporary:
            os.link(temporary, self.root / path)  # the one call that is both atomic and exclusive
        sync_folder((self.root / path).parent)

    @contextmanager
    def _written(self, path: str, data: bytes) -> Iterator[Path]:
        """A locked temporary file with ``data``, on the disk; deleted at the end."""
        temporary = self.temporary(path)
        with locked(temporary):
            try:
                with temporary.open("r+b") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        """Delete a file; nothing happens if it is gone."""
        (self.root / path).unlink(missing_ok=True)

    def open_input(self, path: str) -> IO[bytes]:
        """Open for reading."""
        return (self.root / path).open("rb")

    def temporary(self, path: str) -> Path:
        """A fresh hidden name beside ``path``, on the same disk; its folder is made."""
        final = self.root / path
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {final.parent}: {error.strerror}") from error
        return final.parent / f".{final.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMP_SUFFIX}"

    def publish(self, temporary: Path, path: str) -> None:
        """Give a finished temporary file its name: fsync, rename, fsync of the folder."""
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, self.root / path)
        sync_folder((self.root / path).parent)

    def in_use(self, path: str) -> bool:
        """True while a living writer holds the file; a killed writer's lock is gone with it."""
        import fcntl

        try:
            with self.open_input(path) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def _entry(item: os.DirEntry[str]) -> Entry:
    status = item.stat(follow_symlinks=True) if os.path.exists(item.path) else item.stat(follow_symlinks=False)
    return Entry(item.name, status.st_size, item.is_dir(), status.st_mtime)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without it a rename may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Make an empty file and hold an exclusive lock on it, through any rename, until the block ends."""
    import fcntl

    with path.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

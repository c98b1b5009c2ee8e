"""Where a project's Prefect server keeps its things, and the environment its processes run in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hawkeye_core.errors import ConfigError

DEFAULT_PORT = 4200
FOREIGN = ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH")
"""Variables of some other Prefect set-up that must not reach this server and worker."""

DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
"""May be set to PostgreSQL by the user."""


@dataclass(frozen=True)
class Place:
    """A project folder, the state folder in it, and the server's port.

    Args:
        root: Project folder: where ``prefect.yaml`` lies and relative paths count from.
        port: Port on the loopback interface.
    """

    root: Path
    port: int = DEFAULT_PORT

    @classmethod
    def here(cls, port: int = DEFAULT_PORT) -> Place:
        """The project of the current folder.

        Raises:
            ConfigError: There is no ``prefect.yaml`` here.
        """
        root = Path.cwd()
        if not (root / "prefect.yaml").is_file():
            raise ConfigError("no prefect.yaml here", path=root, remedy="run this in the project folder")
        return cls(root, port)

    @property
    def state(self) -> Path:
        """Database, logs, process files, profile."""
        return self.root / "work" / "prefect"

    @property
    def url(self) -> str:
        """The server's address, without ``/api``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """What Prefect calls ``PREFECT_API_URL``."""
        return f"{self.url}/api"

    @property
    def profiles(self) -> Path:
        """The profile that ``prefect.toml`` points at; it tells a plain ``prefect`` command where the server is."""
        return self.state / "profiles.toml"

    def write_profile(self) -> None:
        """Write :attr:`profiles` for this port."""
        self.state.mkdir(parents=True, exist_ok=True)
        partial = self.profiles.with_suffix(f".tmp-{os.getpid()}")
        partial.write_text(f'active = "hawkeye"\n\n[profiles.hawkeye]\nPREFECT_API_URL = "{self.api_url}"\n')
        partial.replace(self.profiles)

    def environment(self, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """Variables for server, worker and deployment.

        Args:
            inherited: Instead of ``os.environ``.
        """
        kept = {key: value for key, value in (inherited or os.environ).items() if key not in FOREIGN}
        kept.setdefault(DATABASE, f"sqlite+aiosqlite:///{self.state / 'prefect.db'}")
        return kept | {
            "PWD": str(self.root),
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_HOME": str(self.state),
            "PREFECT_PROFILES_PATH": str(self.profiles),
            "PREFECT_API_URL": self.api_url,
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(self.state / "ui"),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            # `prefect deployment run --watch` shows the run's log lines only if the server passes them on.
            "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": "true",
            "PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED": "true",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
            # With uv on the PATH the worker would build an environment of its own for every run.
            "PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES": "false",
            "PYTHONUNBUFFERED": "1",
        }

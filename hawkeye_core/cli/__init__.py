"""The command ``hawkeye``."""

from hawkeye_core.cli.app import main

__all__ = ["main"]

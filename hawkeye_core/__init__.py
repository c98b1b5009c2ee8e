"""Hawkeye: discovering and grounding implicit anomalous sentiment in recon-videos (ACM MM 2024)."""

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hawkeye_core.ground.hawkeye import Hawkeye as Hawkeye

# OpenMP threads spin while they wait. On a machine that does anything else, that costs small networks a factor of ten
# to twenty (75 s against 4 s for a 12 s clip beside busy processes on 2 cores). Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# peft imports bitsandbytes where it is installed, which then warns of a faster CPU kernel that it could not download.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``Hawkeye`` is imported when it is first asked for: it needs torch and transformers, this package does not."""
    if name == "Hawkeye":
        from hawkeye_core.ground.hawkeye import Hawkeye

        return Hawkeye
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

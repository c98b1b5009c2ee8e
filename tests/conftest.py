"""Before any test imports torch: threads that wait do not spin, and neither network nor disk is waited for."""

from __future__ import annotations

import os
import signal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

# A power cut during the tests may lose their files: each costs 10 ms otherwise, and a drawn world has a thousand. The
# processes that tests start and kill wait as ever.
os.fsync = lambda fd: None

# What a script starts in the background ignores Ctrl-C, and so would all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

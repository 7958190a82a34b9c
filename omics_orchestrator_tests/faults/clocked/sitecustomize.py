"""Python imports this first where its folder is on PYTHONPATH: `time.sleep` fails below libfaketime 0.9.10.

It refuses sleeping until a moment of a monotonic clock that it leaves alone; waiting for nothing is not refused.
"""

from __future__ import annotations

import select
import time


def _sleep(seconds: float, /) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep  # type: ignore[assignment]

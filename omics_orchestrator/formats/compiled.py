"""Compiles functions by numba where it is installed.

What is compiled must give the same with and without numba: numbers taken from arrays of bytes go through
`np.int64` (numba's `int` of a byte has no sign).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Walker = TypeVar("Walker", bound=Callable[..., Any])


def compiled(walker: Walker) -> Walker:
    """Return the function compiled at its first call and kept on disk; without numba as it stands, slow.

    Numba is heavy: modules that use this as a decorator are imported inside functions only.
    """
    try:
        from numba import njit
    except ImportError:  # the extra `variants` is not installed
        return walker
    try:
        return cast("Walker", njit(cache=True, nogil=True)(walker))
    except RuntimeError:  # no folder to keep it in
        return cast("Walker", njit(nogil=True)(walker))

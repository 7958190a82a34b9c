"""One round of telling: each channel hears in one message what failed since it heard last.

Nothing is raised: what cannot be sent now stays with the channel and goes out later.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.notify.channels import Channel, digest_of
from omics_orchestrator.steps.notify.digest import Failure
from omics_orchestrator.steps.notify.memory import Memory

ENOUGH_SECONDS = 25.0  # of sending in one round: Dagster gives a tick 60


@dataclass(frozen=True)
class Event:
    """Failures that belong to one event of Dagster, by its number (they grow)."""

    number: int
    failures: Sequence[Failure]


@dataclass(frozen=True)
class Round:
    """What a round did: the memories of all channels, and one line for each channel that had something to say."""

    memories: Mapping[str, Memory]
    lines: Sequence[str]


def tell(
    settings: Settings,
    channels: Sequence[Channel],
    memories: Mapping[str, Memory],
    events: Sequence[Event],
    now: float,
) -> Round:
    """Tell every channel what is new to it; `now` in seconds since 1970."""
    after = max((event.number for event in events), default=0)
    kept, lines, begun = {}, [], time.monotonic()
    for channel in channels:
        memory = memories[channel.name]
        heard = [failure for event in events if event.number > memory.after for failure in event.failures]
        new = memory.new(channel.concerns(heard), now)
        if new and now < memory.again:
            lines.append(f"{channel.words}: {counted(len(new), 'failure')} wait, tried {memory.tries} times")
        elif new and time.monotonic() - begun > ENOUGH_SECONDS:
            lines.append(f"{channel.words}: {counted(len(new), 'failure')} told in the next round")
        elif new:
            memory, line = _send(settings, channel, memory, new, max(after, memory.after), now)
            lines.append(line)
        else:
            memory = memory.sent((), max(after, memory.after), now)
        kept[channel.name] = memory
    return Round(kept, lines)


def _send(
    settings: Settings, channel: Channel, memory: Memory, new: Sequence[Failure], after: int, now: float
) -> tuple[Memory, str]:
    number = counted(len(new), "failure")
    try:
        channel.send(digest_of(settings, new))
    except OmicsError as error:
        return memory.unsent(now), f"{channel.words}: {number} not told, tried again later: {error}"
    return memory.sent(new, after, now), f"{channel.words}: {number} told"

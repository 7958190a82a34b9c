"""Failed runs told to people: by e-mail and webhook, in one message for all, never with a value.

digest.py writes the text, mail.py and webhook.py send it, channels.py says to whom, memory.py what was told before.
"""

from omics_orchestrator.steps.notify.channels import Channel, channels_of, configured
from omics_orchestrator.steps.notify.digest import Digest, Failure
from omics_orchestrator.steps.notify.memory import Memory

__all__ = ["Channel", "Digest", "Failure", "Memory", "channels_of", "configured"]

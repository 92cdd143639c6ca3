"""All reads, no writes: can this game day be played, and may it?"""

from runbooks.preflight.check import Check, Options, Preflight
from runbooks.preflight.inspection import preflight

__all__ = ["Check", "Options", "Preflight", "preflight"]

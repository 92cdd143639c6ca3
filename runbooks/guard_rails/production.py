"""The rail "production": a game day breaks things, and a target's environment says for whom."""

from __future__ import annotations

from runbooks.guard_rails.rail import Moment, Objection, Passed

_PRODUCTION = frozenset({"production", "prod", "prd", "live"})


class Production:
    """Objects to a target whose environment is production."""

    name = "production"
    opt_out = "--allow-production"

    def look(self, moment: Moment) -> Passed | Objection:
        environment = moment.target.environment
        if is_production(environment):
            return Objection(f"{environment}: a game day breaks things")
        return Passed(environment)


def is_production(environment: str) -> bool:
    """Whether an environment's name means production."""
    words = environment.lower().replace("_", "-").split("-")
    return any(word in _PRODUCTION for word in words) and "non" not in words and "pre" not in words

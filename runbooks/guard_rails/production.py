"""The rail "production": a game day breaks things, and a target's environment says for whom."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from runbooks.guard_rails.rail import Moment, Objection, Passed

_PRODUCTION = frozenset({"production", "prod", "prd", "live"})
_NOT = frozenset({"non", "not", "no", "pre"})  # right before it: "non-prod", but "non-eu-prod" is one
_WORD = re.compile(r"[^\W\d_]+")  # whatever parts them, and without the number of prod1


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
    words = _WORD.findall(unicodedata.normalize("NFKC", environment).lower())
    return any(word in _PRODUCTION and before not in _NOT for before, word in pairwise(["", *words]))

"""The parameters of a fault that is a number of sessions, and what they ask of the server."""

from __future__ import annotations

from abc import abstractmethod

from faults.leased_params import LeasedParams
from faults.session_facts import SessionWants


class SessionParams(LeasedParams):
    """`wants`: what is looked at before, in preflight and again before the injection."""

    @property
    @abstractmethod
    def wants(self) -> SessionWants: ...

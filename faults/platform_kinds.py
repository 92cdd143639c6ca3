"""The faults on the platform as a whole: what they touch is named by their own parameters."""

from __future__ import annotations

from faults import activity_fault
from faults.kind import FaultKind

PLATFORM_KINDS = (
    FaultKind(
        "chaostoolkit",
        "an action of an installed Chaos Toolkit extension is run",
        activity_fault.ChaosToolkitParams,
        activity_fault.ActivityFault,
        activity_fault.expected,
        on="platform",
        needs='the extra "gameday[chaostoolkit]" and the extension, installed beside gameday; what its functions need '
        "(credentials, by reference). The target's allow list does not bind its code",
        proven="the probe answers within its tolerance before, outside of it under the fault, and within it again "
        "after healing",
        healed="the rollback is run, by the conductor, the healer or gameday heal; it must be one that can be run "
        "twice, and has 5 s in a run. Nothing else takes it back when both processes are dead",
        example='action: {module: chaosapp.actions, func: stop_worker, arguments: {name: mailer, key: "${APP_KEY}"}}, '
        "rollback: {module: chaosapp.actions, func: start_worker, arguments: {name: mailer}}, "
        "probe: {module: chaosapp.probes, func: worker_runs, arguments: {name: mailer}, tolerance: true}",
    ),
)

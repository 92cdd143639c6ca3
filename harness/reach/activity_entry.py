"""The process that runs one activity of a Chaos Toolkit extension: it asks Chaos Toolkit's own library to do it.

Reads one line of JSON from its standard input, answers with one on its standard output. It ends when its parent does,
which closes that input, and at the latest by an alarm.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import sys
import threading
from typing import Any

from harness.reach.activity import Activity, from_json

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = 2000


def main() -> None:
    """Take one request, give one answer."""
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))  # without a handler, the alarm ends the process
    answer = os.dup(1)
    os.dup2(2, 1)  # what the extension prints is no answer
    request = json.loads(_line())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    said = _answer(from_json(request["activity"]), check=request["check"])
    os.write(answer, json.dumps(said).encode())
    # threads that the extension left behind hold nothing up
    sys.stderr.flush()
    os._exit(0)


def _line() -> bytes:
    read = b""
    while not read.endswith(b"\n"):
        chunk = os.read(0, 65536)
        if not chunk:
            os._exit(1)
        read += chunk
    return read


def _end_with_the_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.killpg(0, signal.SIGKILL)


def _answer(activity: Activity, *, check: bool) -> dict[str, object]:
    # what takes long, and is an optional extra, is imported here, in this process only
    from chaoslib.activity import ensure_activity_is_valid  # noqa: PLC0415
    from chaoslib.configuration import load_configuration  # noqa: PLC0415
    from chaoslib.exceptions import ChaosException  # noqa: PLC0415
    from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid  # noqa: PLC0415
    from chaoslib.secret import load_secrets  # noqa: PLC0415

    logging.getLogger("chaostoolkit").setLevel(logging.CRITICAL)
    written = _written(activity)
    try:
        ensure_activity_is_valid(written)
        if activity.tolerance is not None:
            ensure_hypothesis_tolerance_is_valid(activity.tolerance)
        configuration = load_configuration(dict(activity.configuration))
        secrets = load_secrets(dict(activity.secrets), configuration)
    except (ChaosException, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return {"unusable": _said(error)}
    except Exception as error:  # noqa: BLE001 - importing the extension may raise anything
        return {"unusable": f"{activity.module} can't be imported: {_said(error)}"}
    return {} if check else _run(activity, written, configuration, secrets)


def _run(
    activity: Activity, written: dict[str, Any], configuration: dict[str, Any], secrets: dict[str, Any]
) -> dict[str, object]:
    from chaoslib.activity import run_activity  # noqa: PLC0415 - see above
    from chaoslib.exceptions import ActivityFailed  # noqa: PLC0415 - see above
    from chaoslib.hypothesis import within_tolerance  # noqa: PLC0415 - see above

    try:
        output = run_activity(written, configuration, {**secrets, "environment": _environment(activity)})
        said = {"output": _plain(output)}
        if activity.tolerance is not None:
            tolerated = within_tolerance(activity.tolerance, output, configuration=configuration, secrets=secrets)
            said["tolerated"] = bool(tolerated)
    except ActivityFailed as error:
        return {"failed": str(error) or "ActivityFailed"}
    except Exception as error:  # noqa: BLE001 - the border of code of others
        return {"failed": _said(error)}
    return said


def _written(activity: Activity) -> dict[str, Any]:
    """The activity as an experiment has it."""
    provider: dict[str, object] = {"type": "python", "module": activity.module, "func": activity.func}
    provider |= {"arguments": dict(activity.arguments), "secrets": list(activity.secrets)}
    kind = "action" if activity.tolerance is None else "probe"
    return {"type": kind, "name": activity.name, "provider": provider}


def _environment(activity: Activity) -> dict[str, str]:
    names = _REFERENCE.findall(json.dumps(dict(activity.arguments)))
    return {name: os.environ[name] for name in names if name in os.environ}


def _plain(output: object) -> object:
    """A single value as it is, anything else as text."""
    if isinstance(output, bool | int | float | None):
        return output if output == output else str(output)  # noqa: PLR0124 - NaN is no JSON
    if isinstance(output, str):
        return output[:_LONGEST]
    try:
        return json.dumps(output, default=str)[:_LONGEST]
    except (TypeError, ValueError):
        return str(output)[:_LONGEST]


def _said(error: BaseException) -> str:
    text = str(error).strip()
    return text if type(error).__module__ == "chaoslib.exceptions" else f"{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()

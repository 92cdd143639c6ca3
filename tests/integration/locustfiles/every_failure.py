"""Every way a request can fail; the name of each says which kind it must be counted as.

`user.options` go with each request.
"""

import os


def every_failure(user):
    ask(user, "/ok", "none")
    ask(user, "/404", "http")
    ask(user, "/500", "http")
    ask(user, "/hang", "timeout")
    ask(user, "/half-hang", "timeout")
    ask(user, os.environ["FULL_URL"] + "/connect-hang", "timeout")
    ask(user, "/close", "connection")
    ask(user, "/reset", "connection")
    ask(user, "/truncated", "connection")
    ask(user, "/truncated-chunks", "connection")
    ask(user, "/garbage", "connection")
    ask(user, os.environ["REFUSED_URL"] + "/refused", "connection")
    ask(user, "/bad-gzip", "application")
    ask(user, "/loop", "application")
    judged(user, "/says-no", "application")
    judged(user, "/500?judged", "http")
    judged(user, "/hang?judged", "timeout")
    judged(user, "/close?judged", "connection")
    with ask(user, "/404?expected", "none", catch_response=True) as response:
        response.success()
    with ask(user, "/500?unjudged", "http", catch_response=True):
        pass
    with ask(user, "/hang?unjudged", "timeout", catch_response=True):
        pass


def ask(user, path, kind, **kwargs):
    return user.client.get(path, name=f"{kind} {path.rpartition('/')[2]}", **user.options, **kwargs)


def judged(user, path, kind):
    with ask(user, path, kind, catch_response=True) as response:
        response.failure("the user says no")

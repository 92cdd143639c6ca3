"""The shipped Locust file stands alone, and signs as the sandbox checks."""

from __future__ import annotations

import ast
import importlib.resources

from runbooks.sandbox.crowdfund.settings import PRACTICE_PAYSTACK_SECRET

SCENARIO = importlib.resources.files("runbooks").joinpath("scenarios/crowdfund.py").read_text()


def test_it_imports_the_standard_library_and_locust_only() -> None:
    imports = [node for node in ast.walk(ast.parse(SCENARIO)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {a.name for n in imports if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module.partition(".")[0] for n in imports if isinstance(n, ast.ImportFrom) and n.module}
    assert names == {"hashlib", "hmac", "itertools", "json", "os", "random", "locust"}


def test_its_default_secret_is_the_sandboxes() -> None:
    assert f'"{PRACTICE_PAYSTACK_SECRET}"' in SCENARIO


def test_the_practice_secret_does_not_look_like_a_real_key() -> None:
    assert not PRACTICE_PAYSTACK_SECRET.startswith(("sk_", "pk_"))

"""Markdown from templates. What comes from outside is escaped unless a filter of ours made Markdown of it."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report import comparison_table
from harness.report import format as say
from harness.report.evidence_link import relative

_SPECIAL = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=[#A-Za-z]))")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_AT_START = re.compile(r"^([-+=]+(?=\s|$)|[>#]|\d+(?=[.)](?:\s|$)))")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render(template: str, **values: object) -> str:
    """A template of this package as Markdown, ended by one newline."""
    text = _environment().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escape(value: object) -> Markdown:
    """`value` as plain text on one line: no Markdown, no HTML, no table cell of its own."""
    if isinstance(value, Markdown):
        return value
    flat = " ".join(str(value).split())
    escaped = _AT_START.sub(_escape_start, _SPECIAL.sub(r"\\\1", flat))
    return Markdown(_TAG.sub("&lt;", escaped))


def code(value: object) -> Markdown:
    """`value` as a code span, whatever backticks are in it; not for table cells (a bar ends them)."""
    flat = " ".join(str(value).split())
    if not flat:
        return Markdown("")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return Markdown(f"{fence}{pad}{flat}{pad}{fence}")


def link(path: str, line: int | None = None) -> Markdown:
    """A relative link to a file of the run folder; only its name where it would lead out of it."""
    name = f"{path}:{line}" if line else path
    href = relative(path)
    return Markdown(f"[{escape(name)}]({href})") if href else code(name)


def _escape_start(match: re.Match[str]) -> str:
    """What would begin a list, a heading, a quotation or a rule; a number's full stop is what makes it one."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def markdown_environment(package: str) -> Environment:
    """The templates of a package."""
    environment = Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=False,  # noqa: S701 - HTML's escapes are wrong in Markdown: `finalize` escapes everything
        finalize=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(code=code, ours=Markdown)
    environment.globals.update(say=say)
    return environment


@cache
def _environment() -> Environment:
    environment = markdown_environment("harness.report")
    environment.filters.update(compared=comparison_table.rows, link=link)
    environment.globals.update(caveat=comparison_table.CAVEAT)
    return environment

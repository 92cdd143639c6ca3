"""What a target may say, and what each slip is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runbooks.target import Toxiproxy

if TYPE_CHECKING:
    from conftest import Desk

PROXY = "postgres: {listen: 127.0.0.1:15432, upstream: 127.0.0.1:5432}"
URL = "base_url: http://127.0.0.1:8000"
TOXIPROXY = "toxiproxy: {managed: true}"
APP = (
    "app-1: {ssh: deploy@127.0.0.1:2222, logs: [/var/log/crowdfund/application.log, /var/log/nginx/access.log], "
    "commands: [df -h]}"
)


@pytest.mark.parametrize(
    ("old", "new", "defect"),
    [
        (URL, "base_url: 127.0.0.1:8000", "3: base_url: is no http address (write http://127.0.0.1:8000)"),
        (URL, "base_url: http://127.0.0.1:80000", "3: base_url: is no http address"),
        (URL, "base_url: http://127.0.0.1:8000/?x=1", "3: base_url: has a query or a fragment"),
        (URL, "base_url: http://u:p@127.0.0.1:8000", "3: base_url: holds a user or a password"),
        (URL, "base_url: 8000", "3: base_url: must be text (put it into quotes)"),
        (
            "[127.0.0.0/8]",
            "[127.0.0.0/33]",
            "4: allow: '127.0.0.0/33' is no network and no host name (write 127.0.0.0/8",
        ),
        ("[127.0.0.0/8]", '[127.0.0.0/8, "a b"]', "4: allow: 'a b' is no network and no host name"),
        ("[127.0.0.0/8]", "[127.0.0.0/8, 10.0.0]", "4: allow: '10.0.0' is no network and no host name"),
        ("[127.0.0.0/8]", "[]", "4: allow: is empty"),
        (TOXIPROXY, "toxiproxy: {}", "5: toxiproxy: has neither managed: true nor a url"),
        (TOXIPROXY, "toxiproxy: {managed: false}", "5: toxiproxy: has neither managed: true nor a url"),
        (
            TOXIPROXY,
            'toxiproxy: {managed: true, url: "http://127.0.0.1:1"}',
            "5: toxiproxy: is either ours or somebody",
        ),
        (TOXIPROXY, 'toxiproxy: {url: "http://127.0.0.1:1", folder: x}', "5: a folder is for a managed server only"),
        (TOXIPROXY, 'toxiproxy: {url: "127.0.0.1:8474"}', "5: url: is no http address"),
        (
            TOXIPROXY,
            'toxiproxy: {url: "http://127.0.0.1:1", host: ap-1}',
            "5: unknown host 'ap-1' (did you mean 'app-1'?)",
        ),
        (
            TOXIPROXY,
            "toxiproxy: {managed: true, host: app-1}",
            "5: a managed server runs on this machine (take host out)",
        ),
        (
            TOXIPROXY,
            'toxiproxy: {url: "http://127.0.0.1:1", hots: app-1}',
            "5: unknown key 'hots' (did you mean 'host'?)",
        ),
        (TOXIPROXY, "name: x", "6: there are proxies but no toxiproxy (add toxiproxy: {managed: true}"),
        (
            PROXY,
            "postgres: {listen: 15432, upstream: 127.0.0.1:5432}",
            "7: postgres.listen: must be an address (write host",
        ),
        (PROXY, "postgres: {listen: ':15432', upstream: 127.0.0.1:5432}", "7: listen: ':15432' is no address"),
        (PROXY, "postgres: {listen: 127.0.0.1:15432, upstream: 127.0.0.1}", "7: upstream: '127.0.0.1' is no address"),
        (PROXY, "postgres: {listen: 127.0.0.1:1, upstream: 127.0.0.1:1}", "7: the proxy 'postgres' leads to itself"),
        (
            PROXY,
            PROXY.replace("}", ", probe: udp}"),
            "7: postgres.probe: unknown probe 'udp' (write tcp or {http: /path})",
        ),
        (PROXY, PROXY.replace("}", ", probe: {http: health}}"), "7: probe.http: "),
        (PROXY, f"a/b: {{listen: 127.0.0.1:3, upstream: 127.0.0.1:4}}\n  {PROXY}", "7: 'a/b' is no name (use letters,"),
        (
            PROXY,
            f"{PROXY}\n  b: {{listen: 127.0.0.1:15432, upstream: 127.0.0.1:2}}",
            "8: 'b' listens where 'postgres' does",
        ),
        ("through: postgres", "through: postgrs", "9: unknown proxy 'postgrs' (did you mean 'postgres'?)"),
        ("through: postgres", "throuhg: postgres", "9: unknown key 'throuhg' (did you mean 'through'?)"),
        (
            '"${DATABASE_URL}"',
            "host=/var/run/postgresql",
            "9: dsn: leads to a unix socket, and a fault can only sit on T",
        ),
        ('"${DATABASE_URL}"', '"host=127.0.0.1,127.0.0.2"', "9: dsn: must name one host and one port"),
        ('"${DATABASE_URL}"', "nonsense", "9: dsn: can't be read as a DSN"),
        ('"${REDIS_URL}"', '"http://127.0.0.1"', "11: url: is no redis address (write redis://127.0.0.1:6379/0)"),
        (APP, "app-1: {ssh: deploy@127.0.0.1:99999}", "13: ssh: '127.0.0.1:99999' is no address"),
        (APP, "app-1: {ssh: -oProxyCommand=x}", "13: ssh: '-oProxyCommand=x' is no SSH destination"),
        (
            APP,
            "app-1: {ssh: deploy@h, logs: [var/log/x]}",
            "13: the log 'var/log/x' is no absolute path (begin it with /)",
        ),
        (APP, "app-1: {shh: deploy@h}", "13: unknown key 'shh' (did you mean 'ssh'?)"),
        (APP, f"database.x: {{ssh: h}}\n  {APP}", "13: 'database.x' is no name"),
        (APP, f"app-1: {{ssh: h}}\n  {APP}", "14: the key 'app-1' stands here twice (the first is in line 13)"),
        (
            "{labels: {com.docker.compose.project: crowdfund}}",
            "{label: {}}",
            "15: unknown key 'label' (did you mean 'lab",
        ),
    ],
)
def test_each_slip_is_told_with_its_line_and_a_mend(desk: Desk, old: str, new: str, defect: str) -> None:
    desk.change_target(old, new)

    said = [d.removeprefix("target.yaml:") for d in desk.defects()]

    assert any(d.startswith(defect) for d in said), said


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (URL, "base_url: http://10.0.0.1", 3),
        (TOXIPROXY, 'toxiproxy: {url: "http://10.0.0.1:8474"}', 5),
        ("upstream: 127.0.0.1:5432", "upstream: 10.0.0.1:5432", 7),
        ('"${DATABASE_URL}"', '"postgresql://app@10.0.0.1/x"', 9),
        ('"${REDIS_URL}"', '"redis://10.0.0.1"', 11),
        ("deploy@127.0.0.1:2222", "deploy@10.0.0.1:2222", 13),
        ("deploy@127.0.0.1:2222", '"deploy@[2001:db8::1]:22"', 13),
    ],
)
def test_every_ip_address_is_held_against_the_allow_list(desk: Desk, old: str, new: str, line: int) -> None:
    desk.change_target(old, new)

    error = desk.error()

    assert (error.exit_code, [d.line for d in error.defects]) == (14, [line])
    assert "outside the target's allow list" in error.defects[0].what


def test_names_are_not_looked_up_to_read_the_file(desk: Desk) -> None:
    desk.change_target(URL, "base_url: https://platform.invalid")
    desk.change_target("deploy@127.0.0.1:2222", "bastion-alias")

    _, target = desk.load()

    assert target.base_url == "https://platform.invalid"
    assert target.hosts["app-1"].ssh == "bastion-alias"


def test_a_listener_on_all_interfaces_is_no_address_outside(desk: Desk) -> None:
    desk.change_target("listen: 127.0.0.1:15432", "listen: 0.0.0.0:15432")

    assert desk.load()[1].proxies["postgres"].listen == "0.0.0.0:15432"


def test_a_cache_behind_a_proxy_of_another_file_is_told_and_can_t_be_faulted(desk: Desk) -> None:
    _, target = desk.load()

    assert target.caches["main"].through == ""
    [warning] = target.warnings
    assert warning.startswith("the cache main goes through 'redis', which is no proxy of this file")


def test_paths_are_relative_to_the_file(desk: Desk) -> None:
    desk.change_target("commands: [df -h]", "identity: keys/id, known_hosts: keys/known")
    desk.change_target("{managed: true}", "{managed: true, folder: state}")

    _, target = desk.load()

    folder = desk.folder.resolve()
    assert target.hosts["app-1"].identity == folder / "keys" / "id"
    assert target.hosts["app-1"].known_hosts == folder / "keys" / "known"
    assert target.toxiproxy == Toxiproxy(managed=True, folder=folder / "state")


def test_a_managed_server_without_a_folder_has_one_that_is_found_again(desk: Desk) -> None:
    assert desk.load()[1].toxiproxy == desk.load()[1].toxiproxy
    toxiproxy = desk.load()[1].toxiproxy
    assert toxiproxy is not None
    assert toxiproxy.folder == desk.folder.resolve() / ".gameday" / "toxiproxy-target"


def test_probes_are_read(desk: Desk) -> None:
    desk.change_target(
        PROXY,
        f"{PROXY}\n  a: {{listen: 127.0.0.1:1, upstream: 127.0.0.1:2, probe: tcp}}\n"
        "  b: {listen: 127.0.0.1:3, upstream: 127.0.0.1:4, probe: {http: /health}}",
    )

    proxies = desk.load()[1].proxies

    assert (proxies["postgres"].probe, proxies["a"].probe) == ("", "tcp")
    assert (proxies["b"].probe, proxies["b"].probe_path) == ("http", "/health")


def test_a_target_of_nothing_but_a_web_address_is_enough(desk: Desk) -> None:
    desk.target_path.write_text("name: bare\nenvironment: staging\nbase_url: http://localhost:1/\nallow: [localhost]\n")
    text = desk.runbook_path.read_text()
    start, end = text.index("  - {name: cpu"), text.index("notify:")
    desk.runbook_path.write_text(text[:start] + text[end:])

    _, target = desk.load()

    assert (target.name, target.base_url, target.toxiproxy) == ("bare", "http://localhost:1", None)

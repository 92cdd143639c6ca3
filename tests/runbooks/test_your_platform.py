"""The page about one's own platform: its files are the ones beside it, and each of them is what it says it is."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbooks.onboarding.compose_file import read_compose_file
from runbooks.onboarding.variables import Variables
from runbooks.parsing.inputs import load_inputs
from runbooks.target import Target

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples" / "your-platform"
PAGE = (DOCS / "your-platform.md").read_text()
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
TARGETS = ("compose-target.yaml", "systemd/target.yaml", "kubernetes/target.yaml")
ENVIRONMENT = {"GAMEDAY_DB_PASSWORD": "not-in-the-file"}
IMAGE = "ghcr.io/shopify/toxiproxy:2.12.0"


def target(name: str) -> Target:
    return load_inputs(EXAMPLES / "slow-database.yaml", EXAMPLES / name, environment=ENVIRONMENT)[1]


def manifests(name: str) -> list[dict[str, Any]]:
    return [m for m in yaml.safe_load_all((EXAMPLES / "kubernetes" / name).read_text()) if m]


def kind(name: str, wanted: str) -> dict[str, Any]:
    [found] = [m for m in manifests(name) if m["kind"] == wanted]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_page_shows_every_file_as_it_is(path):
    shown = re.search(rf"<!-- {re.escape(str(path.relative_to(DOCS)))} -->\n```\w+\n(.*?)```\n", PAGE, re.DOTALL)

    assert shown is not None, "a file that the page does not show"
    assert shown[1] == path.read_text()


def test_the_page_names_no_file_that_is_not_there_and_no_heading():
    headings = {re.sub(r"[^a-z -]", "", line[3:].lower()).replace(" ", "-") for line in PAGE.splitlines()
                if line.startswith("## ")}  # fmt: skip

    assert set(re.findall(r"<!-- (\S+) -->", PAGE)) == {str(path.relative_to(DOCS)) for path in FILES}
    for link in re.findall(r"\]\((?!http)([^)]+)\)", PAGE):
        assert link[1:] in headings if link.startswith("#") else (DOCS / link).exists(), link


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_read_with_the_runbook(name):
    assert target(name).warnings == ()
    assert "not-in-the-file" not in (EXAMPLES / name).read_text()


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("compose-target.yaml", (EXAMPLES / "toxiproxy.json").read_text()),
        ("systemd/target.yaml", (EXAMPLES / "systemd" / "toxiproxy.json").read_text()),
        ("kubernetes/target.yaml", kind("toxiproxy.yaml", "ConfigMap")["data"]["toxiproxy.json"]),
    ],
)
def test_toxiproxys_own_file_has_the_targets_proxies(name, config):
    proxies = json.loads(config)

    assert {p["name"]: (p["listen"], p["upstream"]) for p in proxies} == {
        p.name: (p.listen, p.upstream) for p in target(name).proxies.values()
    }
    assert all(set(p) == {"name", "listen", "upstream", "enabled"} for p in proxies), "it ignores all else"
    assert all(int(p["listen"].rpartition(":")[2]) < 32768 for p in proxies), "below the outgoing ports"


def test_the_compose_file_publishes_what_the_target_needs_on_loopback_only():
    compose = read_compose_file(EXAMPLES / "compose.yaml", Variables({"SHOP_DB_PASSWORD": "x"}, frozenset()))
    found = target("compose-target.yaml")
    published = {str(port.place): port.inside for service in compose.services for port in service.ports}

    containers = yaml.safe_load((EXAMPLES / "compose-target.yaml").read_text())["containers"]
    assert containers == {"labels": {"com.docker.compose.project": compose.project}}
    assert all(place.startswith("127.0.0.1:") for place in published)
    assert found.toxiproxy is not None
    assert published[found.toxiproxy.url.removeprefix("http://")] == 8474
    for proxy in found.proxies.values():
        port = int(proxy.listen.rpartition(":")[2])
        assert published[f"127.0.0.1:{port}"] == port, "gameday measures where the application goes"
        assert proxy.upstream.partition(":")[0] in {service.name for service in compose.services}


def test_the_compose_file_is_whole():
    value = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())
    services = value["services"]

    assert set(value) == {"name", "services", "volumes"}
    assert services["toxiproxy"]["image"] == IMAGE
    assert f"-config={services['toxiproxy']['volumes'][0].split(':')[1]}" in services["toxiproxy"]["command"]
    for service in services.values():
        assert set(service.get("depends_on", [])) <= set(services)
        assert ":" in service["image"], "a pinned image"
    assert {volume.partition(":")[0] for s in services.values() for volume in s.get("volumes", [])} == {
        "./toxiproxy.json", *value["volumes"],
    }  # fmt: skip
    for variable, default in (("DATABASE_URL", "toxiproxy:15432"), ("REDIS_URL", "toxiproxy:16379")):
        assert f":-{default}}}" in services["app"]["environment"][variable]


@pytest.mark.parametrize("name", ["toxiproxy.service", "shop.service"])
def test_the_units_are_what_systemd_reads(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / "systemd" / name)

    assert unit.sections() == ["Unit", "Service", "Install"]
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    program = Path(unit["Service"]["ExecStart"].split()[0])
    assert program.is_absolute()
    environments = re.findall(r"^EnvironmentFile=-?(\S+)$", (EXAMPLES / "systemd" / name).read_text(), re.MULTILINE)
    assert environments
    assert all((EXAMPLES / "systemd" / Path(path).name).is_file() for path in environments)
    verify = shutil.which("systemd-analyze")
    if verify:  # its own words, but for the programs that this machine does not have
        done = subprocess.run(
            [verify, "verify", EXAMPLES / "systemd" / name], capture_output=True, text=True, check=False, timeout=30
        )
        odd = [
            line for line in done.stderr.splitlines() if name in line and f"Command {program} is not exec" not in line
        ]
        assert odd == []


def test_the_unit_lets_everyone_of_the_target_in_and_nobody_else():
    text = (EXAMPLES / "systemd" / "toxiproxy.service").read_text()
    allowed = set(re.findall(r"^IPAddressAllow=(.+)$", text, re.MULTILINE)[0].split())
    found = target("systemd/target.yaml")

    assert "IPAddressDeny=any" in text
    assert {p.upstream.partition(":")[0] for p in found.proxies.values()} <= allowed
    assert {p.listen.partition(":")[0] for p in found.proxies.values()} <= allowed


def test_the_environment_files_are_lines_of_names_and_values():
    for path in (EXAMPLES / "systemd").glob("*.env"):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert lines
        assert all(re.fullmatch(r"[A-Z_]+=[^\s\"'$]+", line) for line in lines), path


@pytest.mark.parametrize("name", ["toxiproxy.yaml", "shop.yaml"])
def test_the_manifests_are_whole_and_their_selectors_and_ports_match(name):
    found = manifests(name)
    for manifest in found:
        assert {"apiVersion", "kind", "metadata"} <= set(manifest)
        assert manifest["metadata"]["name"]
        assert manifest["metadata"]["namespace"] == "shop"
    deployment, service = kind(name, "Deployment")["spec"], kind(name, "Service")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    [container] = deployment["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    assert service["selector"].items() <= labels.items()
    assert all(port["targetPort"] in ports for port in service["ports"])
    assert ":" in container["image"]
    assert not any(probe.get("tcpSocket") for probe in [container.get("readinessProbe", {})])


def test_in_kubernetes_only_the_shop_reaches_the_listeners_and_nobody_the_api():
    deployment, policy = kind("toxiproxy.yaml", "Deployment")["spec"], kind("toxiproxy.yaml", "NetworkPolicy")["spec"]
    pod = deployment["template"]["spec"]
    [container] = pod["containers"]
    names = {port["name"] for port in container["ports"]}

    assert container["image"] == IMAGE
    assert "-host=127.0.0.1" in container["args"]
    assert deployment["replicas"] == 1
    assert pod["volumes"][0]["configMap"]["name"] == kind("toxiproxy.yaml", "ConfigMap")["metadata"]["name"]
    assert container["volumeMounts"][0]["name"] == pod["volumes"][0]["name"]
    assert policy["podSelector"]["matchLabels"] == deployment["selector"]["matchLabels"]
    [rule] = policy["ingress"]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [
        kind("shop.yaml", "Deployment")["spec"]["selector"]["matchLabels"]
    ]
    assert {port["port"] for port in rule["ports"]} == names
    listens = {int(p.listen.rpartition(":")[2]) for p in target("kubernetes/target.yaml").proxies.values()}
    assert {port["containerPort"] for port in container["ports"]} == listens


def test_in_kubernetes_the_shop_goes_to_toxiproxys_service():
    [container] = kind("shop.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    service = kind("toxiproxy.yaml", "Service")
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    ports = {port["port"] for port in service["spec"]["ports"]}

    for name in ("DATABASE_AT", "CACHE_AT"):
        host, _, port = values[name].partition(":")
        assert (host, int(port) in ports) == (service["metadata"]["name"], True)

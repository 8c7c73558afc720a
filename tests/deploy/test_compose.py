"""docker-compose.yml keeps the rules of docs/operations.md. Read as text, so no engine is needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from frieze.alive import ANSWER_SECONDS, PARTS
from frieze.alive import SERVICES as STORES
from frieze.settings import Settings
from relay.ondemand import AT_ONCE, MAX_ORIGINAL
from relay.uploads.settings import MIB

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# runs once and ends
JOBS = {"migrate"}
# what each container may reach, and nothing else
NETWORKS = {
    "proxy": {"edge", "app"},
    "activemq": {"app", "data"},
    "postgres": {"data"},
    "store": {"storage", "vendor"},
    "migrate": {"data"},
    "ingest": {"data", "storage", "egress"},
    "relay": {"app", "data", "storage"},
    "web": {"app", "data", "storage"},
}
SECRETS = {
    "proxy": set[str](),
    "activemq": {"frieze_broker_password", "broker_admin_password"},
    "postgres": {"postgres_password"},
    "store": {"frieze_store_token", "frieze_store_password", "frieze_store_other_password"},
    "migrate": {"frieze_database_url"},
    "ingest": {"frieze_database_url", "frieze_broker_password", "frieze_store_token", "frieze_x_bearer_token"},
    "relay": {"frieze_database_url", "frieze_broker_password", "frieze_store_token"},
    "web": {"frieze_database_url", "frieze_broker_password", "frieze_store_token"},
}

every_service = pytest.mark.parametrize("name", sorted(SERVICES))
every_lasting_service = pytest.mark.parametrize("name", sorted(set(SERVICES) - JOBS))


def _environment(name: str) -> dict[str, str]:
    given: dict[str, Any] = SERVICES[name].get("environment", {})
    return {key: str(value) for key, value in given.items()}


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_the_parts_of_the_grown_shape_are_there_and_no_other() -> None:
    assert set(SERVICES) == set(NETWORKS)
    assert set(PARTS) < set(SERVICES)


@every_service
def test_a_service_can_write_to_its_tmpfs_and_volumes_only_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert "docker.sock" not in str(service)


@every_service
def test_a_service_runs_under_a_number_that_is_not_roots(name: str) -> None:
    user, group = SERVICES[name]["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0


@every_service
def test_a_tmpfs_has_a_size_and_belongs_to_the_services_user(name: str) -> None:
    user, group = SERVICES[name]["user"].split(":")
    assert SERVICES[name]["tmpfs"]
    for mount in SERVICES[name]["tmpfs"]:
        options = dict(option.split("=") for option in mount.split(":")[1].split(","))
        assert "size" in options, mount
        assert options["mode"] == "1777" or (options["uid"], options["gid"]) == (user, group), mount


def _mebibytes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "g": 1024}[text[-1]]


@pytest.mark.parametrize("name", ["ingest", "relay", "web"])
def test_a_part_that_makes_pictures_has_room_for_the_originals_in_its_folder_and_in_its_memory(name: str) -> None:
    [size] = [
        option.removeprefix("size=")
        for mount in SERVICES[name]["tmpfs"]
        if mount.startswith(f"{_environment(name)['FRIEZE_DATA']}:")
        for option in mount.split(":")[1].split(",")
        if option.startswith("size=")
    ]
    assert _mebibytes(size) * MIB >= AT_ONCE * MAX_ORIGINAL
    # a tmpfs is memory of its container
    assert _mebibytes(SERVICES[name]["mem_limit"]) >= 4 * _mebibytes(size)


@every_service
def test_a_service_has_limits_and_its_log_rotates(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["stop_grace_period"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@every_lasting_service
def test_a_service_comes_back_and_says_how_it_fares(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD", "no shell"
    assert _seconds(check["timeout"]) <= _seconds(check["interval"])


def test_a_job_runs_once() -> None:
    for name in JOBS:
        assert SERVICES[name]["restart"] == "no"


@pytest.mark.parametrize("part", (*PARTS, *STORES))
def test_a_parts_check_asks_the_part_and_leaves_it_time_to_say_what_is_wrong(part: str) -> None:
    check = SERVICES[part]["healthcheck"]
    assert check["test"] == ["CMD", "python3", "-m", "frieze.alive", part]
    assert _seconds(check["timeout"]) > ANSWER_SECONDS


def test_the_brokers_check_is_a_connect_and_the_databases_comes_by_tcp() -> None:
    assert SERVICES["activemq"]["healthcheck"]["test"] == ["CMD", "/broker/healthcheck"]
    assert "CONNECT" in (ROOT / "broker" / "healthcheck").read_text()
    assert "--host=127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


@every_service
def test_a_service_is_in_its_networks_only(name: str) -> None:
    assert set(SERVICES[name]["networks"]) == NETWORKS[name]
    assert "network_mode" not in SERVICES[name]


def test_only_ingest_and_the_store_have_a_way_out() -> None:
    networks = COMPOSE["networks"]
    assert networks["app"]["internal"] is True
    assert networks["data"]["internal"] is True
    assert networks["storage"]["internal"] is True
    assert networks["edge"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert {name for name, network in networks.items() if not network.get("internal")} == {"edge", "egress", "vendor"}
    assert [name for name in SERVICES if "egress" in NETWORKS[name]] == ["ingest"]
    assert [name for name in SERVICES if "vendor" in NETWORKS[name]] == ["store"]


def test_only_the_store_has_the_pictures_and_the_parts_reach_it_by_its_name() -> None:
    holders = [name for name, service in SERVICES.items() if "pictures" in str(service.get("volumes"))]
    assert holders == ["store"]
    assert SERVICES["store"]["command"] == ["store", "serve"]
    port = _environment("store")["FRIEZE_PORT"]
    for part in PARTS:
        assert _environment(part)["FRIEZE_STORE_URL"] == f"http://store:{port}"
        assert SERVICES[part]["depends_on"]["store"] == {"condition": "service_started"}


def test_another_vendor_is_a_setting_that_the_store_alone_reads() -> None:
    assert _environment("store")["FRIEZE_STORE_URL"] == "${FRIEZE_STORE_URL:-disk:/pictures}"
    assert "env_file" not in SERVICES["store"]
    for part in PARTS:
        assert not {"frieze_store_password", "frieze_store_other_password"} & SECRETS[part]


def test_collections_are_named_to_the_store_alone() -> None:
    assert _environment("store")["FRIEZE_STORE_COLLECTIONS"] == "${FRIEZE_STORE_COLLECTIONS:-}"
    assert _environment("store")["FRIEZE_STORE_OTHER_USER"] == "${FRIEZE_STORE_OTHER_USER:-}"


def test_only_the_proxy_is_reachable_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert len(SERVICES["proxy"]["ports"]) == 2


@every_service
def test_a_service_gets_the_secrets_it_needs_as_files_and_none_as_a_variable(name: str) -> None:
    assert set(SERVICES[name].get("secrets", [])) == SECRETS[name]
    for variable, value in _environment(name).items():
        if re.search("PASSWORD|TOKEN|SECRET|PASSCODE|DATABASE_URL", variable):
            assert variable.endswith("_FILE"), variable
            assert value.removeprefix("/run/secrets/") in SECRETS[name]
        assert not re.search(r"://[^/\s]*:[^/\s]*@", value), f"{variable} holds a password"


def test_each_secret_is_a_file_that_script_secrets_makes() -> None:
    made = (ROOT / "script" / "secrets").read_text()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert name in made
    assert set(COMPOSE["secrets"]) == set[str]().union(*SECRETS.values())


def test_secret_files_are_named_like_the_settings_they_fill() -> None:
    for name in COMPOSE["secrets"]:
        if name.startswith("frieze_"):
            assert name.removeprefix("frieze_") in Settings.model_fields


@every_service
def test_an_image_is_pinned_to_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].split(":", 1)[1]
    assert re.search(r"\d+\.\d+\.\d+|17\.\d+", tag), tag
    assert "latest" not in tag


def test_the_base_image_is_pinned_and_the_same_everywhere() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    [base] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    assert SERVICES["migrate"]["build"]["args"]["PYTHON_IMAGE"] == f"${{PYTHON_IMAGE:-{base}}}"
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]


def test_the_image_runs_as_the_user_that_the_compose_file_names() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    [user] = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    for part in (*PARTS, *STORES, "migrate"):
        assert SERVICES[part]["user"] == user
    assert re.search(r'^ENTRYPOINT \["frieze"\]$', dockerfile, re.MULTILINE), "no shell in between"


def test_every_setting_in_the_compose_file_is_one() -> None:
    for part in (*PARTS, *STORES, "migrate"):
        for variable in _environment(part):
            assert variable.removeprefix("FRIEZE_").lower() in Settings.model_fields


def test_a_dotenv_variable_of_the_compose_file_is_a_setting_or_documented_at_its_top() -> None:
    top = TEXT.split("name: frieze")[0]
    for variable in set(re.findall(r"\$\{([A-Z_]+)", TEXT)):
        if variable.startswith("FRIEZE_"):
            assert variable.removeprefix("FRIEZE_").lower() in Settings.model_fields
        else:
            assert variable in top, variable


def test_the_proxy_gets_every_value_that_its_configuration_asks_for() -> None:
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    asked = set(re.findall(r"\$\{(FRIEZE_PROXY_[A-Z_]+)\}", template))
    given = {name for name in _environment("proxy") if name.startswith("FRIEZE_PROXY_")}
    assert asked == given


def test_the_parts_believe_the_proxys_network_and_no_other_about_addresses() -> None:
    [config] = COMPOSE["networks"]["app"]["ipam"]["config"]
    assert _environment("relay")["FRIEZE_TRUSTED_PROXIES"] == config["subnet"]


def test_the_relays_metrics_are_served_inside_and_the_proxy_does_not_know_them() -> None:
    host, port = _environment("relay")["FRIEZE_METRICS"].split(":")
    assert host == "0.0.0.0"
    assert port != _environment("relay")["FRIEZE_PORT"]
    assert port not in (ROOT / "deploy" / "nginx.conf.template").read_text()
    assert all("FRIEZE_METRICS" not in _environment(name) for name in SERVICES if name != "relay")


def test_parts_start_after_the_migration_and_the_broker() -> None:
    for part in PARTS:
        assert SERVICES[part]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "activemq": {"condition": "service_healthy"},
            "store": {"condition": "service_started"},
        }
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_what_goes_into_the_image_is_listed_and_secrets_are_not() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is left out unless it is named"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert {"frieze", "ingest", "relay", "wall", "web", "pyproject.toml", "LICENSE"} <= let_in
    assert not let_in & {".env", "secrets", ".git", "data", "."}
    assert "web/static" in rules

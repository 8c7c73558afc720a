"""Every setting: from `frieze.toml`, from `FRIEZE_*`, from secret files; read here and handed down.

The environment wins over secret files, and both over the file. `docs/settings.md` and `.env.example` list exactly
these fields (tests/frieze/test_settings.py).
"""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wall.errors import SettingsError

PREFIX = "FRIEZE_"
SECRETS = Path("/run/secrets")  # where Compose mounts secret files, named like the variables in lower case
CONFIG = Path("frieze.toml")
# read by scripts and tests, not by the program
_OTHERS = ("FRIEZE_TEST_", "FRIEZE_BENCH_", "FRIEZE_CONFIG")

# options that are not called like their settings
_OPTIONS = {"relay_workers": "--workers"}

_Words = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings with their defaults; what each means stands in its description."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    data: Path = Field(Path("data"), description="The folder for everything that must survive a restart.")
    host: str = Field("127.0.0.1", description="The address pages, API, media and WebSocket listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Their port; 0 lets the system choose.")
    stomp_host: str = Field("127.0.0.1", description="The address the embedded broker's STOMP listens on.")
    stomp_port: int = Field(61613, ge=0, le=65535, description="Its port; 0 lets the system choose.")
    public_url: str | None = Field(
        None, description="How people reach this installation, where that is not http://host:port."
    )
    database_url: SecretStr | None = Field(
        None, description="sqlite:PATH or postgresql://user:password@host/name; a file in the data folder if unset."
    )
    store_url: str | None = Field(
        None,
        description="disk:DIR, swift://…, s3://…, gs://…, az://… or http://HOST (operations.md, Stores); "
        "a folder in the data folder if unset.",
    )
    store_user: str | None = Field(None, description="The store's user, access key or account, where it has one.")
    store_password: SecretStr | None = Field(None, description="The password or secret key of the store's user.")
    store_token: SecretStr | None = Field(
        None, description="What `frieze store serve` and those who use it by http://host know each other by."
    )
    store_other_user: str | None = Field(
        None,
        description="The user of another store than FRIEZE_STORE_URL: for `frieze store copy`, and for collections "
        "(`frieze store import`).",
    )
    store_other_password: SecretStr | None = Field(None, description="Its password, secret key or token.")
    store_collections: _Words = Field(
        (), description="URLs of collections that `frieze store serve` lets the other parts read, by comma."
    )
    broker_url: SecretStr = Field(
        SecretStr("embedded"), description="embedded, or stomp://user:password@host:61613,other:61613."
    )
    broker_user: str = Field("frieze", description="The service account at the broker.")
    broker_password: SecretStr | None = Field(
        None, description="Its password; the embedded broker's is made and kept in the data folder if unset."
    )
    viewer_url: str = Field(
        "/stomp", description="Where browsers subscribe: /stomp for the relay, or ws://host:61614 for ActiveMQ."
    )
    origins: _Words = Field(
        (), description="Other sites that may open our WebSocket or event stream, as https://host, by comma."
    )
    trusted_proxies: _Words = Field(("127.0.0.1",), description="Proxies whose X-Forwarded-For is believed, by comma.")
    metrics: str | None = Field(
        None,
        description="Where the relay serves metrics, as 127.0.0.1:9464; a further worker takes the next port.",
    )
    relay_deflate: bool = Field(
        False, description="Whether the relay compresses messages (permessage-deflate): fewer bytes, more processor."
    )
    relay_workers: int = Field(1, ge=0, le=64, description="Processes of `frieze relay` on one port; 0 or auto: cores.")
    relay_public_url: str | None = Field(
        None, description="Where browsers reach this relay, as /n/{id}/stomp; as FRIEZE_VIEWER_URL says if unset."
    )
    relay_drain: float = Field(
        20, ge=0, le=300, description="Seconds over which a relay that stops sends its viewers to the others."
    )
    demo: bool = Field(True, description="Whether `frieze up` starts the demo source on the wall main.")
    demo_pace: float = Field(0.25, gt=0, le=20, description="How many posts a second the demo source draws.")
    demo_pictures: int = Field(4, ge=1, le=4, description="The most pictures one post of the demo source has.")
    folders: _Words = Field((), description="Folders of photographs to show on the wall main, by comma.")
    x_bearer_token: SecretStr | None = Field(None, description="X's app-only bearer token; without it no X.")
    x_api_url: str = Field("https://api.x.com", description="X's API.")
    x_daily_posts: int = Field(
        2000, ge=10, description="How many posts a day (UTC) may be read from X; each costs money."
    )
    fetch_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="Private networks pictures may come from, as 10.1.2.0/24, by comma."
    )
    picture_workers: int = Field(0, ge=0, le=64, description="Processes that make thumbnails; 0: cores less one.")
    upload_direct: int = Field(
        100, ge=0, description="Megabytes above which guests' files go straight to a store that signs addresses."
    )
    log_format: Literal["auto", "lines", "json"] = Field("auto", description="How the log is written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What the log tells.")

    @field_validator("origins", "trusted_proxies", "folders", "store_collections", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator(
        *("database_url", "store_user", "store_password", "store_token", "store_other_user", "store_other_password"),
        *("broker_password", "x_bearer_token"),
        mode="before",
    )
    @classmethod
    def _unset(cls, value: Any) -> Any:
        # a secret file that nobody has filled in yet
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("relay_workers", mode="before")
    @classmethod
    def _auto(cls, value: Any) -> Any:
        return 0 if isinstance(value, str) and value.strip().lower() == "auto" else value

    @field_validator("relay_public_url")
    @classmethod
    def _reached_by_browsers(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("/", "ws://", "wss://")):
            raise ValueError("must be a path, or begin with ws:// or wss://")
        return value

    @field_validator("fetch_allow", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        words = value.split(",") if isinstance(value, str) else value
        return tuple(ip_network(str(word).strip()) for word in words if str(word).strip())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            file_secret_settings,
            TomlConfigSettingsSource(settings_cls, config_file()),
        )

    @property
    def database(self) -> str:
        return self.database_url.get_secret_value() if self.database_url else f"sqlite:{self.data / 'catalogue.db'}"

    @property
    def store(self) -> str:
        return self.store_url or f"disk:{self.data / 'store'}"

    @property
    def store_secret(self) -> str | None:
        remote = self.store.startswith(("http://", "https://"))
        secret = self.store_token if remote else self.store_password
        return secret.get_secret_value() if secret else None

    @property
    def broker(self) -> str:
        return self.broker_url.get_secret_value()

    @property
    def embedded(self) -> bool:
        return self.broker == "embedded"


def reachable(host: str) -> str:
    """Where a program on this machine finds something that listens on `host`, which may be every address."""
    try:
        everywhere = ip_address(host).is_unspecified
    except ValueError:  # a name
        return host
    return "127.0.0.1" if everywhere else host


def config_file() -> Path:
    """`FRIEZE_CONFIG`, or `frieze.toml` where the program was started."""
    return Path(os.environ.get("FRIEZE_CONFIG") or CONFIG)


def load(**overrides: Any) -> Settings:
    """Read the settings; what is None in `overrides` does not override. Raises SettingsError in one sentence."""
    given = {name: value for name, value in overrides.items() if value is not None}
    secrets = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
    try:
        return Settings(**secrets, **given)
    except ValidationError as error:
        raise SettingsError(_sentence(error, given)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config_file()} is not valid TOML: {error}.") from error


def unknown_keys(environment: Mapping[str, str]) -> list[str]:
    """Variables and keys that look like settings and are none: most likely misspelt."""
    known = set(Settings.model_fields)
    wrong = [
        name
        for name in environment
        if name.startswith(PREFIX) and not name.startswith(_OTHERS) and name.removeprefix(PREFIX).lower() not in known
    ]
    path = config_file()
    if path.is_file():
        wrong += [f"{key} (in {path})" for key in tomllib.loads(path.read_text()) if key not in known]
    return sorted(wrong)


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> str:
    problem = error.errors(include_url=False)[0]
    name = str(problem["loc"][0]) if problem["loc"] else "?"
    field = Settings.model_fields.get(name)
    option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
    where = option if name in given else PREFIX + name.upper()
    value = problem.get("input")
    secret = field is not None and "SecretStr" in str(field.annotation)
    shown = "" if secret or value is None else f" is {value!r}"
    what = problem["msg"][0].lower() + problem["msg"][1:]
    meaning = f" {field.description}" if field is not None else ""
    return f"{where}{shown}: {what}.{meaning}"

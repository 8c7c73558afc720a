"""What a part refuses, what it waits for, and that it stops while it does."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from frieze.parts import Part
from frieze.run import run_parts
from frieze.settings import Settings
from tests.processes import frieze
from wall.catalogue import Catalogue
from wall.errors import SettingsError

Made = Callable[..., Settings]


@pytest.mark.parametrize("part", [Part.INGEST, Part.WEB])
def test_a_part_on_its_own_needs_a_broker_that_is_not_embedded(made: Made, part: Part) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_BROKER_URL"):
        run_parts(made(port=0), {part})


def test_a_broker_without_a_password_is_refused(made: Made) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_BROKER_PASSWORD"):
        run_parts(made(port=0, broker_url="stomp://127.0.0.1:1"), {Part.INGEST})


def test_a_taken_port_is_refused_before_anything_is_touched(made: Made) -> None:
    settings = made()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for taken, option in ({"port": port}, "--port"), ({"port": 0, "stomp_port": port}, "--stomp-port"):
            with pytest.raises(SettingsError, match=f"The port {port} on 127.0.0.1 .*{option} or FRIEZE_"):
                run_parts(made(**taken), set(Part), up=True)
    assert not (settings.data / "catalogue.db").exists()


def test_a_data_folder_that_cant_be_written_is_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="can't be written"):
        run_parts(made(data=tmp_path / "file" / "data", port=0, stomp_port=0), set(Part), up=True)


def test_a_part_waits_for_the_migrations_and_stops_cleanly_while_it_waits(
    empty_database_url: str, tmp_path: Path
) -> None:
    settings = {
        "FRIEZE_DATA": str(tmp_path / "data"),
        "FRIEZE_DATABASE_URL": empty_database_url,
        "FRIEZE_BROKER_URL": "stomp://frieze:x@127.0.0.1:1",
        "FRIEZE_PORT": "0",
    }
    with frieze("ingest", settings=settings, folder=tmp_path) as waiting:
        waiting.until_log("run `frieze migrate`")
        assert waiting.stop() == 0
        assert "Traceback" not in waiting.log
    with frieze("ingest", settings=settings, folder=tmp_path) as part:
        part.until_log("run `frieze migrate`")
        _migrate(empty_database_url)
        part.until_log("not connected|can't be reached|broker")  # it has begun its work
        assert part.stop() == 0
        assert "Traceback" not in part.log


def _migrate(url: str) -> None:
    async def run() -> None:
        catalogue = Catalogue(url)
        await catalogue.migrate()
        await catalogue.close()

    asyncio.run(run())

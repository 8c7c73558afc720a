"""What a process of Frieze can be made of."""

from enum import StrEnum
from pathlib import Path

BUILT_PAGES = Path(__file__).parent.parent / "web" / "static"


class Part(StrEnum):
    INGEST = "ingest"
    RELAY = "relay"
    WEB = "web"

"""The broker's names, all of them. `tests/broker/test_activemq_xml.py` compares them with broker/activemq.xml."""

import re

SLUG = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)

WALL = "/topic/wall."
PRIVATE = "/topic/private."
CONSOLE = "/topic/console."
SCREENS = "/topic/screens."

# What a viewer who has not signed in may read, as ActiveMQ spells wildcards.
VIEWER_READS = ("wall.>", "screens.>")


def valid_slug(slug: str) -> bool:
    return SLUG.fullmatch(slug) is not None


def wall_topic(slug: str) -> str:
    """Where the events of a public wall go; anyone may read it."""
    return WALL + slug


def private_topic(slug: str) -> str:
    """Where the events of a wall go that needs a secret link; relays read it, and check each viewer."""
    return PRIVATE + slug


def console_topic(slug: str) -> str:
    """Hints that something changed; read by web nodes only, which then re-read the catalogue."""
    return CONSOLE + slug


def screens_topic(slug: str) -> str:
    """Commands to the screens of a wall."""
    return SCREENS + slug


def wall_of(destination: str) -> str | None:
    """The slug of a wall topic, or None for any other destination."""
    if not destination.startswith(WALL):
        return None
    slug = destination[len(WALL) :]
    return slug if valid_slug(slug) else None

"""The database: posts, events, claims, searches, operators. `Catalogue` is the one door to it."""

from wall.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]

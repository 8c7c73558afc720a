"""The sources of this installation, made from its settings."""

import asyncio
from collections.abc import Callable, Mapping

from frieze.settings import Settings
from ingest.fetch import Fetcher
from ingest.sources.base import Source
from ingest.sources.command import CommandSource
from ingest.sources.demo import DemoSource
from ingest.sources.folder import FolderSource
from ingest.sources.x import XSource, check_x_query
from wall.errors import SourceRefused
from wall.store.base import Store

# what operators may search; `command` has no searches
NETWORKS = ("x", "folder", "demo")

"""The networks that can be searched; pictures from the command line need no search."""

NETWORKS = ("x", "folder", "demo")
# every source whose posts the ingest parts work on (frieze/sources.py)
SOURCES = (*NETWORKS, "command", "guest", "collection")

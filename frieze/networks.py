"""The networks that can be searched; pictures from the command line need no search."""

NETWORKS = ("x", "folder", "demo")

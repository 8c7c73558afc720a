"""The wall page, the operator console and their HTTP API."""

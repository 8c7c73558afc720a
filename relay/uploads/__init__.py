"""Guests add pictures and videos: from a browser to the store, chunk by chunk, with nothing left behind."""

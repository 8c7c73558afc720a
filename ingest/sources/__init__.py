"""One module per network: its shape becomes ours there and nowhere else. `base` says what a source is."""

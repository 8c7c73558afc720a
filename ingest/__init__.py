"""Sources → posts → fetched pictures → thumbnails → events."""

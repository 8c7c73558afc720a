"""The operators' console: its page, sign-in, JSON API and live hints, as one ASGI application.

    request → Headers → Bodies → Guard → routes
              headers   bodies    guard    walls, searches, posts, live, sign_in

`Guard` stands before everything below /api/console, so a new route there is closed until it is reached signed in.
"""

from web.console.app import console_app

__all__ = ["console_app"]

"""Moves messages to browsers: one topic, very many viewers, no task and no queue per viewer.

`ring` keeps the last messages of a topic, `audience`, `topic` and `hub` decide who gets which of them when, `credit`
how many before an acknowledgement, `wheel` who is due for a look; these have no socket in them and take the clock as
an argument. `framing` is WebSocket's frames, `viewer` one connection, `websocket` and `tcp` its two transports,
`server` the whole.
"""

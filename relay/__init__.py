"""Moves messages to browsers: one topic, very many viewers, no task and no queue per viewer.

`ring` keeps the last messages of a topic, `seats`, `topic` and `hub` decide who gets which of them when, `wheel` who
is due for a look; these have no socket in them and take the clock as an argument. `framing` is WebSocket's frames,
`viewer` one STOMP connection, `websocket` and `tcp` its two transports, `stream` the same events over HTTP,
`server` the whole. `rights` says who may read what, `visibility` which walls are secret, `origins` which pages may
connect.
"""

"""What every part of Frieze agrees on.

`posts` and `events` hold the records, `states` the moves a post may make, `wire` their JSON, `destinations` the
broker's names, `errors` the one tree of errors. Nothing at this level does I/O; the rooms below it do:
`stomp/` (pure as well), `catalogue/`, `broker/`, `store/` and `pictures/`.
"""

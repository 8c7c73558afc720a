"""Picture bytes: one interface, an adapter per kind of store. `base` says what every adapter promises."""

"""`frieze store …`: the storage service, and what moves and tidies stored objects."""

"""Pictures out of nothing: what the demo source shows. `scenes` says what there is, `easel` draws it."""

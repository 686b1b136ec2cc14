"""Programs of our own that pipelines call beside the field's: one module a verb."""

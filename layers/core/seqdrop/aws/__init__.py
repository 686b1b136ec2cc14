"""Thin adapters: the catalog, object store, Batch, executions and queues in words of the domain."""

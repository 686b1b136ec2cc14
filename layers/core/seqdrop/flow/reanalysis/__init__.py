"""Reanalyses: planned, tried on canaries, approved, run, reported."""

"""Processes that start fast: forked from one that has loaded already what they need."""

"""Analyses that are made anew since what decides their results has changed."""

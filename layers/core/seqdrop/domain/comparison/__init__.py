"""Whether two sets of calls say the same of a sample, and where they do not."""

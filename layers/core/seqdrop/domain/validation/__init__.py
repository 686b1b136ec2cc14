"""Validations: whether an assay's calls are good enough, by a control whose genotypes are known."""

"""Self-contained pages of HTML, with plots, for whoever has to sign."""

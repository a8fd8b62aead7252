"""Reading shell text as a shell does: words, quotes, substitutions, variables. Nothing is ever run."""

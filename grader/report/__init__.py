"""Report -> terminal, JSON, Markdown, HTML, ...: one model, a renderer a file, none of them recomputes."""

"""What is there: one module for each kind of thing, parsed once, immutable, serialisable. No verdicts."""

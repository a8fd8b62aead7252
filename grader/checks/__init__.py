"""One question each, a family a file: facts in, Verdict out. No file access, no points."""

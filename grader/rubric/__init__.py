"""YAML -> Rubric; score(rubric, verdicts) -> Score, a pure function, called in one place."""

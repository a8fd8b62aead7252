"""What of the facts counts for one platform's deployment: which script, model, archive, declaration.

Asked by the checks that judge it and by the rehearsal that tries it, so that both speak of the same files. No verdicts.
"""

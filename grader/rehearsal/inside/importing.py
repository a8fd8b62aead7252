"""Imports the modules that are named, and nothing else: started as ``python -I importing.py MODULE...``.

Ends with 0 when all are there and work; else its last line says what does not.
"""

import importlib
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    for name in sys.argv[1:]:
        try:
            importlib.import_module(name)
        except Exception as problem:
            sys.exit("%s: %s" % (type(problem).__name__, " ".join(str(problem).split())[:300]))

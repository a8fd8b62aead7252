"""Started as ``python -I server.py CONFIG.json``. Holds no names of its own: a pickle that wants ``__main__.Something`` must not find it.

The siblings are loaded under a package name that no student's file has, so that ``import sagemaker`` or ``import server`` in a
script finds what it would find in the container.
"""

if __name__ == "__main__":
    import importlib.util
    import os
    import sys

    sys.dont_write_bytecode = True
    _here = os.path.dirname(os.path.abspath(__file__))
    _spec = importlib.util.spec_from_file_location(
        "_rehearsal", os.path.join(_here, "__init__.py"), submodule_search_locations=[_here]
    )
    sys.modules["_rehearsal"] = importlib.util.module_from_spec(_spec)  # type: ignore[arg-type]
    importlib.import_module("_rehearsal.serving").main(sys.argv[1])

"""Runs the two notebooks from top to bottom, as far as this machine can, and keeps what they print.

    python run.py gcp_census.ipynb                                run it here, in place
    python run.py aws_bank_marketing.ipynb --into FOLDER          ... and leave the result in another folder
    python run.py aws_bank_marketing.ipynb --moto http://127.0.0.1:5000

Cells that need a cloud account are tagged ``cloud`` and are left out, without any output. Of these, the cells tagged ``moto``
as well are run if ``--moto`` gives the address of a moto server (https://docs.getmoto.org), which stands for AWS. Install
requirements-gcp.txt or requirements-aws.txt first, each for its own notebook.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
SKIP = "left-out-here"


def left_out(tags: list[str], moto: str | None) -> bool:
    """Whether a cell with these tags wants a cloud that is not there."""
    return "cloud" in tags and not (moto and "moto" in tags)


def environment(moto: str | None) -> dict[str, str]:
    """What the notebook's process sees: no account of whoever runs this, and moto's address where there is one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_"))}
    quiet = {
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if moto is None:
        return kept | quiet
    account = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return kept | quiet | account | {"AWS_ENDPOINT_URL": moto, "AWS_DEFAULT_REGION": "us-east-1"}


def run(file: Path, moto: str | None) -> nbformat.NotebookNode:
    """The notebook with its outputs; it works in a temporary folder, beside a copy of make_standins.py.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if left_out(cell.metadata.get("tags", []), moto):
            cell.metadata.tags.append(SKIP)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(HERE / "make_standins.py", folder)
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            record_timing=False,
            skip_cells_with_tag=SKIP,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=environment(moto))
    for cell in notebook.cells:
        if SKIP in cell.metadata.get("tags", []):
            cell.metadata.tags.remove(SKIP)
    # What the kernel says of itself is another patch release on the next machine.
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a notebook as far as this machine can.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--into", type=Path, help="the folder for the result (default: in place)")
    parser.add_argument("--moto", help="the address of a moto server that stands for AWS")
    options = parser.parse_args()
    if sys.platform == "win32":
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    try:
        notebook = run(options.notebook, options.moto)
    except CellExecutionError as problem:
        print(f"{options.notebook} stopped: {problem}", file=sys.stderr)
        return 1
    target = (options.into or options.notebook.parent) / options.notebook.name
    nbformat.write(notebook, target)
    done = sum(bool(cell.get("execution_count")) for cell in notebook.cells)
    print(f"{target}: {done} cells run.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

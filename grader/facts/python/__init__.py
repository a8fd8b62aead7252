"""What students' Python says: sources, notebook cells and the files that cells write. Nothing of it is run."""

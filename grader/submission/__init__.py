"""Where a student's work comes from: URL, folder, archive -> one read-only, bounded tree of files."""

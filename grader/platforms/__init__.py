"""What each cloud demands, as tables with source and date."""

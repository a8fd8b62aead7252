"""Live endpoints: which one, whether its address may be asked, and what it answers."""

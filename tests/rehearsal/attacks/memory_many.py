# Many processes, each within reason.
import os
import time

for _ in range(30):
    if os.fork() == 0:
        held = b"x" * 15000000
        time.sleep(100)
        print(len(held))
time.sleep(100)

import os
import time

os.close(3)
print("closed", flush=True)
time.sleep(1000)

# Ten gigabytes: with a hole in it, and in earnest. Both are refused, and that is survived.
import os
import time

with open("/scratch/sparse", "wb") as file:
    try:
        file.truncate(10000000000)
    except OSError as refusal:
        print("sparse refused:", refusal)
    else:
        print("REACHED")
for folder in ("/scratch", "/dev/shm", "/tmp"):
    written = 0
    try:
        with open(folder + "/real", "wb", buffering=0) as file:
            while written < 10000000000:
                written += file.write(b"x" * 1000000)
    except OSError as refusal:
        print("real refused:", refusal, "after", written)
    else:
        print("REACHED")
    if folder == "/scratch":
        time.sleep(1)  # long enough to be seen from outside
    os.unlink(folder + "/real")
print("DONE")

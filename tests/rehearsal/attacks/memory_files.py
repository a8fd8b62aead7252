# Files in memory, in every folder that takes them.
for folder in ("/scratch", "/tmp", "/dev/shm"):
    for number in range(60):
        try:
            with open("%s/%d" % (folder, number), "wb") as file:
                file.write(b"x" * 4000000)
        except OSError as refusal:
            print(folder, refusal)
import time

time.sleep(100)

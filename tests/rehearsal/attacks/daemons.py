# Processes that leave their session, ignore requests to end, and outlive who started them.
import os
import signal
import time

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.execv("/bin/sleep", ["sleep", "1000"])
        os._exit(0)
time.sleep(0.2)
print("DONE", flush=True)

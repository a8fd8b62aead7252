# Everybody that a signal reaches: the parent, the first process, the group, all.
import os
import signal

for target in (1, os.getppid(), -1):
    for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(target, number)
            print("sent", target, number)
        except OSError as refusal:
            print(target, refusal)
for pid in range(2, 70):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
print("still here", flush=True)
os.killpg(0, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)

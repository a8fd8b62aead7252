# Threads, until there are no more; that is survived.
import threading

held, stop = [], threading.Event()
try:
    while len(held) < 5000:
        held.append(threading.Thread(target=stop.wait, daemon=True))
        held[-1].start()
except RuntimeError as refusal:
    print("refused:", refusal, "after", len(held))
stop.wait(0.6)
stop.set()
print("DONE")

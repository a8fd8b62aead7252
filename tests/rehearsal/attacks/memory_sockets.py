# What lies in sockets that nobody reads.
import resource
import socket
import time

held = []
try:
    while len(held) < 2000:
        pair = socket.socketpair()
        pair[0].setblocking(False)
        held.append(pair)
        try:
            while True:
                pair[0].send(b"x" * 65536)
        except BlockingIOError:
            pass
except OSError as refusal:
    print(refusal, resource.getrlimit(resource.RLIMIT_NOFILE))
time.sleep(100)

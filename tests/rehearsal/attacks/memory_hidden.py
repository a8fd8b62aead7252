# Memory that belongs to no process: files without a name, System V's segments, empty files.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for what, call in (
    ("memfd", lambda: libc.memfd_create(b"a", 0)),
    ("shmget", lambda: libc.shmget(0, 1000000000, 0o1600)),
    ("msgget", lambda: libc.msgget(0, 0o1600)),
    ("semget", lambda: libc.semget(0, 5, 0o1600)),
):
    print("REACHED " + what if call() >= 0 else what + " refused", flush=True)
number = 0
while True:
    number += 1
    os.close(os.open("/scratch/%d" % number, os.O_CREAT | os.O_WRONLY))

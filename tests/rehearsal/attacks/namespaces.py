# A namespace of its own in which it would be root.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
user, signal_number = 0x10000000, 17
print("unshare", "REACHED" if libc.unshare(user) == 0 else os.strerror(ctypes.get_errno()))
clone = 56 if os.uname().machine == "x86_64" else 220
for flags in (user, user | 0x20000, 0x20000000, 0x40000000):
    pid = libc.syscall(clone, flags | signal_number, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    print("clone", "REACHED" if pid > 0 else os.strerror(ctypes.get_errno()))
arguments = (ctypes.c_uint64 * 8)(user, 0, 0, 0, signal_number, 0, 0, 0)
pid = libc.syscall(435, ctypes.byref(arguments), 64)
if pid == 0:
    os._exit(0)
print("clone3", "REACHED" if pid > 0 else os.strerror(ctypes.get_errno()))
for kind in ("user", "mnt", "net", "pid"):
    for owner in ("1", "self"):
        try:
            print(
                "setns",
                "REACHED" if libc.setns(os.open("/proc/%s/ns/%s" % (owner, kind), 0), 0) == 0 else "refused",
            )
        except OSError as refusal:
            print("setns", refusal)
print("DONE")

# Into other processes: by tracing, by reading their memory, through /proc.
import ctypes
import fcntl
import os

libc = ctypes.CDLL(None, use_errno=True)
for pid in (1, os.getppid()):
    print("trace", "REACHED" if libc.ptrace(16, pid, 0, 0) == 0 else os.strerror(ctypes.get_errno()))
    buffer = ctypes.create_string_buffer(8)

    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    here, there = Part(ctypes.addressof(buffer), 8), Part(id(libc), 8)
    got = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    print("read", "REACHED" if got > 0 else os.strerror(ctypes.get_errno()))
for call, arguments in (
    ("keyctl", (250, 0, -3, 1)),
    ("bpf", (321, 0, 0, 0)),
    ("perf", (298, 0, 0, -1, -1, 0)),
    ("uffd", (323, 0)),
):
    if os.uname().machine == "x86_64":
        print(call, "REACHED" if libc.syscall(*arguments) >= 0 else os.strerror(ctypes.get_errno()))
try:
    fcntl.fcntl(os.open("/opt/ml/model/model.txt", os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
    print("REACHED a lease")
except OSError as refusal:
    print("lease", refusal)
print("DONE")

# Other files in other places.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for what, call in (
    ("mount tmpfs", lambda: libc.mount(b"none", b"/scratch", b"tmpfs", 0, None)),
    ("mount proc", lambda: libc.mount(b"proc", b"/proc", b"proc", 0, None)),
    ("bind", lambda: libc.mount(b"/rehearsal", b"/scratch", None, 4096, None)),
    ("remount", lambda: libc.mount(None, b"/", None, 32 | 4096, None)),
    ("umount", lambda: libc.umount2(b"/proc", 2)),
    ("chroot", lambda: libc.chroot(b"/scratch")),
    (
        "pivot_root",
        lambda: libc.syscall(155 if os.uname().machine == "x86_64" else 41, b"/scratch", b"/scratch"),
    ),
    ("fsopen", lambda: libc.syscall(430, b"tmpfs", 0)),
    ("open_tree", lambda: libc.syscall(428, -100, b"/", 1)),
):
    print(what, "REACHED" if call() >= 0 else os.strerror(ctypes.get_errno()))
for name, kind in (("/scratch/device", 0o020666), ("/scratch/disk", 0o060666)):
    try:
        os.mknod(name, kind, os.makedev(254, 0))
        print("REACHED")
    except OSError as refusal:
        print("mknod", refusal)
print("DONE")

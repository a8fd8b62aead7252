# What it is left with.
import os
import resource

for line in open("/proc/self/status"):
    if line.startswith(("Cap", "NoNewPrivs", "Groups", "Uid", "Gid", "Seccomp:")):
        print(line.strip().replace("\t", " "))
for what, call in (
    ("setuid", lambda: os.setuid(0)),
    ("setgroups", lambda: os.setgroups([0])),
    ("nice", lambda: os.nice(-5)),
    ("processes", lambda: resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))),
):
    try:
        call()
        print("REACHED", what)
    except (OSError, ValueError) as refusal:
        print(what, refusal)
print("descriptors", sorted(os.listdir("/proc/self/fd"), key=int)[:-1])
print("node", os.uname().nodename, "DONE")

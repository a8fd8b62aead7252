# Anywhere but to the scratch folders.
import os
import sys

targets = [
    "/opt/ml/model/model.txt",
    "/opt/ml/model/new",
    "/rehearsal/launch.py",
    "/rehearsal/new",
    "/new",
    "/usr/bin/new",
]
targets += [
    "/usr/bin/env",
    "/etc/passwd",
    "/etc/new",
    "/dev/new",
    "/root/new",
    "/home/new",
    sys.base_prefix + "/new",
]
targets += [
    os.__file__,
    sys.executable,
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sysrq-trigger",
]
targets += ["/proc/1/mem", "/proc/1/oom_score_adj", "/proc/self/uid_map", "/opt/new"]
for target in targets:
    for how in ("a", "w", "r+"):
        try:
            with open(target, how) as file:
                file.write("0 0 1")
        except OSError as refusal:
            print(target, how, refusal.strerror)
        else:
            print("REACHED", target, how)
for call in (
    os.unlink,
    os.rmdir,
    lambda path: os.rename(path, path + "2"),
    lambda path: os.chmod(path, 0o777),
):
    for target in (
        "/opt/ml/model/model.txt",
        "/opt/ml/model",
        "/rehearsal/launch.py",
        sys.executable,
        "/usr/bin",
    ):
        try:
            call(target)
        except OSError as refusal:
            print(target, refusal.strerror)
        else:
            print("REACHED", target)
for name in ("/scratch/a", "/tmp/a", "/dev/shm/a"):
    with open(name, "w") as file:
        file.write("fine")
    os.chmod(name, 0o4777)
print("DONE")

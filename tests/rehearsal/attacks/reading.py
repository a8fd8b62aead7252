# Whatever can be read anywhere: is the secret among it, or anything of the machine's users?
import os
import sys

canary, home, helper = sys.argv[1][::-1], sys.argv[2], sys.argv[3]
print("environment", sorted(os.environ))


def look(path):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        if canary.encode() in os.read(descriptor, 1000000):
            print("REACHED", path)
    except OSError:
        pass
    os.close(descriptor)


for name in (
    "/etc/shadow",
    "/etc/hostname",
    "/etc/machine-id",
    "/etc/resolv.conf",
    "/sys",
    "/run",
    "/var",
    home,
):
    print(("REACHED " if os.path.exists(name) else "absent ") + name)
for pid in ("1", helper):
    for link in ("root", "cwd", "fd", "task"):
        try:
            found = os.listdir("/proc/%s/%s%s" % (pid, link, home if link == "root" else ""))
            if pid == helper or link == "root":
                print("REACHED", pid, link, found)
        except OSError as refusal:
            print(pid, link, refusal)
pids = sorted((name for name in os.listdir("/proc") if name.isdigit()), key=int)
for pid in pids:
    for file in ("environ", "cmdline", "maps", "mountinfo"):
        look("/proc/%s/%s" % (pid, file))
    try:
        for number in os.listdir("/proc/%s/fd" % pid):
            look("/proc/%s/fd/%s" % (pid, number))
    except OSError as refusal:
        print(pid, refusal)
print("processes", pids)
for top, folders, files in os.walk("/"):
    if top in ("/proc", "/usr", "/dev", "/nix") or top in (sys.prefix, sys.base_prefix):
        folders[:] = []
        continue
    for name in files:
        look(os.path.join(top, name))
with open("/etc/passwd") as users:
    print("users", len(users.readlines()))
print("DONE")

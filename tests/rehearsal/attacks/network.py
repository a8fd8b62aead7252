# Out by address, by name, to the machine's own services, and to the host of a virtual machine.
import os
import socket
import sys

socket.setdefaulttimeout(1)
port = int(sys.argv[1])
path, abstract = sys.argv[2:4]
reached = []


def attempt(what, call):
    try:
        call()
    except OSError as refusal:
        print(what, "refused:", refusal)
    else:
        print("REACHED", what)


for host in ("127.0.0.1", "1.1.1.1", "169.254.169.254", "10.0.2.2"):
    attempt(host, lambda: socket.create_connection((host, port if host.startswith("127") else 53)))
attempt("::1", lambda: socket.create_connection(("::1", port)))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt("datagram", lambda: datagrams.sendto(b"secret", ("8.8.8.8", 53)))
attempt("broadcast", lambda: datagrams.sendto(b"secret", ("255.255.255.255", 9)))
attempt("name", lambda: socket.getaddrinfo("example.org", 80))
for address in (path, "\0" + abstract, "/run/docker.sock", "/run/dbus/system_bus_socket"):
    attempt("socket " + repr(address), lambda: socket.socket(socket.AF_UNIX).connect(address))
for family, kind in ((40, 1), (38, 5), (17, 3), (31, 3)):  # vsock, alg, packet, bluetooth
    attempt("family %d" % family, lambda: socket.socket(family, kind))
print("interfaces", sorted(name for _, name in socket.if_nameindex()))
print("DONE", os.getuid())

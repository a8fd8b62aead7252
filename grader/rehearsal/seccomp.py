"""Which system calls a rehearsal is refused: a filter in the kernel's own form, for x86_64 and aarch64.

The namespaces and the missing privileges do the work; this closes what they leave open. Refused is what no model server
needs: other processes' memory, keys, tracing, mounts, namespaces in namespaces, typing into a terminal, sockets of kinds
that know no network namespace (``vsock`` reaches the host of a virtual machine), leases on files, and memory that no process shows as its
own and that could not be counted (``memfd``, System V). A refusal is an error code, never a death, so that libraries that
only try fall back. On other processors there is no filter, and the rest stands.

Numbers: the kernel's ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``, read
2026-11-22; they never change once given. Form: ``linux/filter.h``, ``linux/seccomp.h``.
"""

from __future__ import annotations

import errno
import struct
from typing import NamedTuple

# (on x86_64, on aarch64)
_NOT_PERMITTED: dict[str, tuple[int, int]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "lookup_dcookie": (212, 18),
    "vhangup": (153, 58),
}
_NOT_PERMITTED_X86 = {"iopl": 172, "ioperm": 173, "modify_ldt": 154, "uselib": 134}
_NOT_THERE: dict[str, tuple[int, int]] = {
    "clone3": (
        435,
        435,
    ),  # its flags lie in memory, where no filter can look; every C library falls back on clone
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
}
_CLONE, _SOCKET, _SOCKETPAIR, _IOCTL, _FCNTL = (56, 220), (41, 198), (53, 199), (16, 29), (72, 25)

_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_FAMILIES = (1, 2, 10, 16)  # unix, IPv4, IPv6, netlink (which C libraries ask for interfaces)
_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_ON_FILES = (1024, 1026)  # F_SETLEASE, F_NOTIFY: a lease would keep others from an environment that is shared

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in seccomp_data; the low halves of arguments
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Processor(NamedTuple):
    audit: int  # AUDIT_ARCH_*
    column: int


_PROCESSORS = {"x86_64": _Processor(0xC000003E, 0), "aarch64": _Processor(0xC00000B7, 1)}


def program(machine: str) -> bytes | None:
    """The filter for ``machine`` (as ``os.uname().machine`` says it), None where there is none."""
    processor = _PROCESSORS.get(machine)
    if processor is None:
        return None
    refused, absent = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, processor.audit),
        (_RETURN, 0, 0, absent),  # another kind of call (32 bits): its numbers mean something else
        (_LOAD, 0, 0, _NUMBER),
    ]
    if processor.column == 0:
        lines += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, absent)]  # the x32 calls

    def unless(number: int, result: int) -> None:
        lines.extend([(_EQUAL, 0, 1, number), (_RETURN, 0, 0, result)])

    for numbers in _NOT_PERMITTED.values():
        unless(numbers[processor.column], refused)
    if processor.column == 0:
        for number in _NOT_PERMITTED_X86.values():
            unless(number, refused)
    for numbers in _NOT_THERE.values():
        unless(numbers[processor.column], absent)

    column = processor.column
    lines += [
        (_EQUAL, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refused),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for call in (_SOCKET, _SOCKETPAIR):
        lines += [(_EQUAL, 0, len(_FAMILIES) + 3, call[column]), (_LOAD, 0, 0, _FIRST)]
        lines += [(_EQUAL, len(_FAMILIES) - i, 0, family) for i, family in enumerate(_FAMILIES)]
        lines += [(_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT), (_RETURN, 0, 0, _ALLOW)]
    for call, requests in ((_FCNTL, _ON_FILES), (_IOCTL, _TERMINAL)):
        lines += [(_EQUAL, 0, len(requests) + 3, call[column]), (_LOAD, 0, 0, _SECOND)]
        lines += [(_EQUAL, len(requests) - i, 0, request) for i, request in enumerate(requests)]
        lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, refused)]
    lines.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)

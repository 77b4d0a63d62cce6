"""filtered.py WHAT PROGRAM…: runs a program under a seccomp filter that is in shipit's way.

WHAT is "listener", a filter with one (no other filter may have one), or what is forbidden (EPERM):
"seccomp", "pidfd_getfd", or "steering", setsockopt(2) with SO_ATTACH_REUSEPORT_CBPF.
"""
import ctypes, os, subprocess, sys

NUMBERS = {  # of system calls
    'x86_64': {'seccomp': 317, 'pidfd_getfd': 438, 'setsockopt': 54},
    'aarch64': {'seccomp': 277, 'pidfd_getfd': 438, 'setsockopt': 208},
}[os.uname().machine]
NO_NEW_PRIVS, SET_FILTER, NEW_LISTENER = 38, 1, 8
ALLOW, EPERM, EBUSY = 0x7FFF0000, 0x00050001, 16
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, OPTION_AT, STEERING = 0, 32, 51


class Instruction(ctypes.Structure):
    _fields_ = [('code', ctypes.c_ushort), ('jt', ctypes.c_ubyte), ('jf', ctypes.c_ubyte), ('k', ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.POINTER(Instruction))]


def program_for(what):
    if what == 'listener':
        return [(RETURN, 0, 0, ALLOW)]
    if what == 'steering':
        return [(LOAD, 0, 0, NUMBER_AT), (IF_EQUAL, 0, 3, NUMBERS['setsockopt']), (LOAD, 0, 0, OPTION_AT),
                (IF_EQUAL, 0, 1, STEERING), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]
    return [(LOAD, 0, 0, NUMBER_AT), (IF_EQUAL, 0, 1, NUMBERS[what]), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]


what = sys.argv[1]
code = program_for(what)
instructions = (Instruction * len(code))(*(Instruction(*each) for each in code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
flags = NEW_LISTENER if what == 'listener' else 0
if libc.syscall(NUMBERS['seccomp'], SET_FILTER, flags, ctypes.byref(Program(len(code), instructions))) < 0:
    assert what == 'listener' and ctypes.get_errno() == EBUSY  # there is one above us
sys.exit(subprocess.run(sys.argv[2:]).returncode)

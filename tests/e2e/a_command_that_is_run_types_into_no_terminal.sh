# Root's `shipit run` shares its terminal with the app's code, which cannot type there in root's name: whatever
# number of whichever architecture asks the kernel to, it says no. It is told which terminal that is.
. "$(dirname "$0")/lib.sh"
needs python3
[[ $(id -u) == 0 ]] || skip "only root can give an app a user of its own"
user=www-data
id "$user" >/dev/null 2>&1 || skip "there is no user $user here"

mkdir "$scratch/app"
cat >"$scratch/app/type.py" <<'END_OF_TYPE'
import ctypes, errno, fcntl, mmap, os, platform, termios

libc = ctypes.CDLL(None, use_errno=True)
TIOCLINUX, PASTE, X32_IOCTL = 0x541C, b"\3", 0x40000000 + 514
low = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40,  # MAP_32BIT
                mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) if platform.machine() == "x86_64" else None


def of_i386():
    """ioctl(0, TIOCSTI, …) by int 0x80; its answer, or nothing where there is no such interrupt."""
    low[:32] = (b"\x53\x31\xdb\xb8\x36\0\0\0\xb9\x12\x54\0\0\x89\xfa\xcd\x80\x5b\xc3").ljust(32, b"!")
    at = ctypes.addressof(ctypes.c_char.from_buffer(low))
    child = os.fork()
    if child == 0:
        os._exit(-ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_ulong)(at)(at + 31) & 255)
    status = os.waitpid(child, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def tell(name, number):
    print(f"{name}:", errno.errorcode[number] if number else "done", flush=True)


def tell_of(name, result):
    tell(name, 0 if result == 0 else ctypes.get_errno())


typing = ctypes.c_ulong(termios.TIOCSTI)
tell_of("TIOCSTI", libc.ioctl(0, typing, b"!"))
tell_of("more bits", libc.ioctl(0, ctypes.c_ulong(1 << 32 | termios.TIOCSTI), b"!"))
tell_of("the terminal itself", libc.ioctl(os.open("/dev/tty", os.O_RDWR), typing, b"!"))
tell_of("TIOCLINUX", libc.ioctl(0, ctypes.c_ulong(TIOCLINUX), PASTE))
if low:
    tell_of("x32", libc.syscall(ctypes.c_long(X32_IOCTL), 0, typing, b"!"))
    of_32_bits = of_i386()
    if of_32_bits is not None:
        tell("i386", of_32_bits)
if os.fork() == 0:
    os.execlp("python3", "python3", "-c", "import fcntl, termios\n"
              "try: fcntl.ioctl(0, termios.TIOCSTI, b'!')\nexcept OSError as error: print('a child:', error)")
os.wait()
print("its size:", len(fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))))
END_OF_TYPE
expect_exit 0 ship create app
expect_exit 0 ship set "app.user=$user"
expect_exit 0 ship deploy "$scratch/app"

on_terminal() { python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$@"; }
expect_exit 0 on_terminal "$SHIPIT_BIN" run -- python3 type.py
for what in TIOCSTI "more bits" "the terminal itself" TIOCLINUX; do
    expect_out "$what: EPERM"
done
expect_out "a child: [Errno 1]"
expect_out "its size: 8"
expect_not_in "done"
if [[ $(uname -m) == x86_64 ]]; then
    expect_out "x32: EPERM"
    ! grep "^i386:" "$out" | grep -v EPERM || fail "by the calls of i386 it can type"
fi

term='printenv TERM || echo "has none"' # a shell without makes itself one
TERM=xterm-256color expect_exit 0 on_terminal "$SHIPIT_BIN" run "$term"
expect_out xterm-256color
TERM=../xterm expect_exit 0 on_terminal "$SHIPIT_BIN" run "$term"
expect_out "has none"
TERM=xterm-256color expect_exit 0 ship run "$term"
expect_out "has none" # no terminal here

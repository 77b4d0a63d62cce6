"""on_terminal.py WHAT FILE COMMAND...: runs a command on a terminal of its own; when FILE exists
(or, if FILE is written =TEXT, once the terminal shows TEXT), does WHAT to it:

    interrupt   somebody presses ^C
    hang-up     the connection is lost: the terminal goes, everybody on it gets SIGHUP

Then makes the file FILE.over, for whoever waits; and FIRST_SHOWN, if that is set in the environment, when the
terminal first shows anything. Prints what the terminal showed; exits as the command does, 128 + n for signal n."""

import os
import pty
import select
import sys
import time

what, sign, command = sys.argv[1], sys.argv[2], sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)

shown = b""
has_happened = False
deadline = time.monotonic() + 90
while time.monotonic() < deadline:
    if terminal is not None and select.select([terminal], [], [], 0.02)[0]:
        try:
            shown += os.read(terminal, 65536)
            if "FIRST_SHOWN" in os.environ:
                open(os.environ["FIRST_SHOWN"], "w").close()
        except OSError:  # its last user is gone
            break
    elif terminal is None:
        break
    if has_happened:
        continue
    if sign[1:].encode() in shown if sign[0] == "=" else os.path.exists(sign):
        has_happened = True
        if what == "interrupt":
            os.write(terminal, b"\x03")
        else:
            os.close(terminal)
            terminal = None
        if sign[0] != "=":
            open(sign + ".over", "w").close()

sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
sys.stdout.flush()
if not has_happened:
    sys.exit(f"on_terminal.py: {sign} never came")
status = os.waitpid(child, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))

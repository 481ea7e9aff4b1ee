"""The server of another program: line_server.py PATH HEARD FIRST COUNT.

It serves one client at PATH, and only that, says the lines FIRST, FIRST + 1, …, COUNT of them, and appends each line that it hears
to the file HEARD; how many lines it has said stands in HEARD.said. SIGTERM: it says no more, hears its client to the
end, removes its socket and ends."""

import os
import select
import signal
import socket
import sys


def replace_socket(path):
    """What a server that was killed left there is in the way."""
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener


def note(said, count):
    os.pwrite(said, b"%8d" % count, 0)


def talk(connection, heard, said, lines, wakeup):
    """Until the client ends, or a signal came and the client was told."""
    waiting, count = b"", 0
    while True:
        if not waiting and lines:
            waiting = b"%d\n" % lines.pop(0)
        readable, writable, _ = select.select(
            [connection, wakeup], [connection] if waiting else [], [])
        if wakeup in readable and wakeup.recv(16):
            connection.sendall(waiting)
            note(said, count + bool(waiting))
            waiting, lines = b"", []
            connection.shutdown(socket.SHUT_WR)
        if writable and waiting:
            waiting = waiting[connection.send(waiting):]
            if not waiting:
                count += 1
                note(said, count)
        if connection in readable:
            data = connection.recv(1 << 16)
            if not data:
                return
            os.write(heard, data)


def main():
    path, heard_path, first, count = sys.argv[1:]
    heard = os.open(heard_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    said = os.open(heard_path + ".said", os.O_WRONLY | os.O_CREAT, 0o600)
    wakeup, signalled = socket.socketpair()
    signalled.setblocking(False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(signalled.fileno())
    listener = replace_socket(path)
    connection, _ = listener.accept()
    listener.close()
    note(said, 0)
    print("connected", flush=True)
    talk(connection, heard, said, list(range(int(first), int(first) + int(count))), wakeup)
    connection.close()
    os.unlink(path)


if __name__ == "__main__":
    main()

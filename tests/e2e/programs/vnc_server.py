"""vnc_server.py PATH: a desktop of 320 × 200 pixels by RFB 3.8 at a UNIX socket, as many clients as like to see it."""

import socket
import struct
import sys
import threading

WIDTH, HEIGHT, NAME = 320, 200, "a small desktop".encode()
PIXELS = bytes((index * 31 + index // 1280) & 255 for index in range(WIDTH * HEIGHT * 4))


def take(end, size):
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def greet(end):
    end.sendall(b"RFB 003.008\n")
    assert take(end, 12) == b"RFB 003.008\n"
    end.sendall(b"\x01\x01")  # one kind of security: none
    assert take(end, 1) == b"\x01"
    end.sendall(struct.pack(">I", 0))
    take(end, 1)
    kind = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
    end.sendall(struct.pack(">HH", WIDTH, HEIGHT) + kind + struct.pack(">I", len(NAME)) + NAME)


def serve(end):
    sizes = {0: 19, 4: 7, 5: 5}
    try:
        greet(end)
        while True:
            kind = take(end, 1)[0]
            if kind == 2:
                count = struct.unpack(">xH", take(end, 3))[0]
                take(end, 4 * count)
            elif kind == 3:
                take(end, 9)
                head = struct.pack(">BxH", 0, 2)
                half = len(PIXELS) // 2
                for top in (0, HEIGHT // 2):
                    head += struct.pack(">HHHHi", 0, top, WIDTH, HEIGHT // 2, 0)
                    end.sendall(head + PIXELS[half * (top > 0):half * (1 + (top > 0))])
                    head = b""
            else:
                take(end, sizes[kind])
    except (EOFError, OSError):
        end.close()


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(16)
    print("listening", flush=True)
    while True:
        end, _ = listener.accept()
        threading.Thread(target=serve, args=(end,), daemon=True).start()


if __name__ == "__main__":
    main()

"""A process at one end of a pipe that says `count` bytes of a known stream in random pieces, and hears to the end:

    stream_peer.py connect|serve PATH COUNT SEED PROGRESS

Its last words are a JSON line of what it said and heard. PROGRESS is a file of 16 bytes for two numbers, said and heard so
far: they are still there when the process was killed. With COUNT -1 it says bytes until it is stopped from outside."""

import hashlib
import json
import mmap
import os
import random
import socket
import sys
import threading

BLOCK = 1 << 20


def block_of(seed):
    """The stream of a seed is this block, again and again."""
    return random.Random(seed).randbytes(BLOCK)


def digest_of(seed, count):
    """What the first `count` bytes of a stream hash to."""
    block = block_of(seed)
    digest = hashlib.blake2b()
    for _ in range(count // BLOCK):
        digest.update(block)
    digest.update(block[:count % BLOCK])
    return digest.hexdigest()


class Progress:
    """Numbers that outlive the process."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 16)

    def set(self, index, value):
        self.map[8 * index:8 * index + 8] = value.to_bytes(8, "little")

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            data = file.read()
        return int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")


def say(end, count, seed, progress):
    block = block_of(seed) * 2
    chance = random.Random(seed + 1)
    said = 0
    try:
        while count < 0 or said < count:
            size = chance.choice((1, 7, 100, 4096, 65536, 300000))
            if count >= 0:
                size = min(size, count - said)
            at = said % BLOCK
            said += end.send(block[at:at + size])
            progress.set(0, said)
        end.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return said


def hear(end, progress):
    digest = hashlib.blake2b()
    heard = 0
    try:
        while data := end.recv(1 << 18):
            digest.update(data)
            heard += len(data)
            progress.set(1, heard)
    except ConnectionResetError:
        pass
    return heard, digest.hexdigest()


def main():
    mode, path, count, seed, progress_file = sys.argv[1:]
    progress = Progress(progress_file)
    end = socket.socket(socket.AF_UNIX)
    if mode == "serve":
        listener = end
        listener.bind(path)
        listener.listen(8)
        print("listening", flush=True)
        end, _ = listener.accept()
        os.unlink(path)
    else:
        end.connect(path)
    result = {}
    thread = threading.Thread(
        target=lambda: result.update(said=say(end, int(count), int(seed), progress)))
    thread.start()
    result["heard"], result["digest"] = hear(end, progress)
    thread.join()
    end.close()
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

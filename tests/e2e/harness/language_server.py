"""A small language server on standard input and output: what every server does at the beginning, in the
middle and at the end of its life. It answers with headers as servers in the wild write them."""

import json
import sys


def read_message(stream):
    length = None
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if length is not None else None


def write_message(stream, message):
    body = json.dumps({"jsonrpc": "2.0"} | message, ensure_ascii=False).encode()
    stream.write(b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    stream.flush()


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (message := read_message(source)) is not None:
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            capabilities = {"hoverProvider": True, "positionEncoding": "utf-16"}
            write_message(sink, {"id": number, "result": {"capabilities": capabilities}})
        elif method == "textDocument/didOpen":
            write_message(sink, {"method": "textDocument/publishDiagnostics", "params": {
                "uri": message["params"]["textDocument"]["uri"],
                "diagnostics": [{"message": "„Größe“ wird nie benutzt 🦀"}]}})
        elif method == "textDocument/hover":
            write_message(sink, {"id": number, "result": {"contents": "int größe"}})
        elif method == "shutdown":
            write_message(sink, {"id": number, "result": None})
        elif method == "exit":
            return
        elif number is not None and "method" in message:
            write_message(sink, {"id": number, "error": {
                "code": -32601, "message": f"no method {method}"}})


if __name__ == "__main__":
    main()

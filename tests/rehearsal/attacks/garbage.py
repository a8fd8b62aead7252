# Answers on the server's socket in the server's place: noise, headers without end, a drop at a time.
import socket
import time

server = socket.socket(fileno=3)
for turn in range(100):
    client, _ = server.accept()
    try:
        if turn == 0:
            client.sendall(b"\x00\xff\x1b[2J noise")
        elif turn == 1:
            while True:
                client.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 1000)
        else:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"[" * 1000000:
                client.sendall(bytes([byte]))
                time.sleep(0.1)
    except OSError:
        pass
    client.close()

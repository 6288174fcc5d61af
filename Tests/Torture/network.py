"""A bad line between the agent and the two organisations: a relay of bytes that breaks connections in every way that a line can."""

import random
import socket
import struct
import threading
import time

from stands import Trouble
from sweeps import Outcome

#: What happens to a connection, and to how many of a hundred. Connections are used again and again: a few would rarely be hit.
WAYS = {"cut": 20, "reset": 12, "flip": 8, "drip": 5, "half-close": 10, "lost answer": 15, "refuse": 5}


class BadLine:
    """Relays TCP to a port of this machine, and spoils some of the connections. Use as a context."""

    def __init__(self, port, seed):
        self.port, self.chance, self.lock = port, random.Random(seed), threading.Lock()
        self.connections, self.spoiled, self.is_good = 0, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.endpoint = f"https://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def fate(self):
        """What this connection suffers, and after how many bytes in the direction concerned."""
        with self.lock:
            self.connections += 1
            if self.is_good:
                return None, 0
            roll, sum_so_far = self.chance.uniform(0, 100), 0
            for way, share in WAYS.items():
                sum_so_far += share
                if roll < sum_so_far:
                    self.spoiled += 1
                    return way, int(2 ** self.chance.uniform(4, 21))
            return None, 0

    def serve(self, client):
        way, limit = self.fate()
        if way == "refuse":
            reset(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        except OSError:
            reset(client)
            return
        for end in (client, server):
            end.settimeout(120)
        # An answer is lost after the request went through: the way back is the one that breaks.
        back = limit if way == "lost answer" else None
        there = limit if way and back is None else None
        answers = threading.Thread(target=self.relay, args=(server, client, back, "cut" if back else None), daemon=True)
        answers.start()
        self.relay(client, server, there, way if there else None)
        answers.join()
        for end in (client, server):
            end.close()

    def relay(self, source, target, limit, way):
        """Moves bytes until one side ends; after `limit` bytes the way strikes."""
        passed = 0
        try:
            while block := source.recv(65_536):
                if way and passed + len(block) > limit:
                    keep = max(0, limit - passed)
                    if way == "flip":
                        spoiled = bytearray(block)
                        spoiled[keep if keep < len(spoiled) else -1] ^= 0x40
                        block, way = bytes(spoiled), None
                    elif way == "drip":
                        for byte in block[:40]:
                            target.sendall(bytes([byte]))
                            time.sleep(0.005)
                        block, way = block[40:], None
                    elif way == "half-close":
                        target.sendall(block[:keep])
                        target.shutdown(socket.SHUT_WR)
                        return
                    else:
                        target.sendall(block[:keep])
                        (reset if way == "reset" else close)(source)
                        (reset if way == "reset" else close)(target)
                        return
                target.sendall(block)
                passed += len(block)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            close(source)
            close(target)


def reset(end):
    """Ends the connection with RST."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    close(end)


def close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


def through_a_bad_line(tools, stand_type, folder, seed, rounds):
    """Files of many sizes through the bad line; when it is good again, everything is there, once."""
    outcome = Outcome(f"a bad line, {stand_type.kind}")
    port = int(tools.sandbox.endpoint.rsplit(":", 1)[1])
    for number in range(rounds):
        chance = random.Random(seed + number)
        with BadLine(port, seed + number) as line:
            stand = stand_type(tools, f"{folder}/{stand_type.kind}-line-{number}", seed + number, endpoint=line.endpoint)
            for each in range(60):
                stand.ledger.feed(f"file-{each}.bin", chance.choice([0, 100, 20_000, 400_000]))
            outcome.runs += 1
            try:
                stand.deliver(patience=20)
                stand.expect_nothing_wrong("on a bad line")
                line.is_good = True
                # Whatever the line did, it may not have led to a person being called: nothing is held.
                stand.expect_everything("when the line was good again", stand.run("run", "--once", "--patience", "120", limit=200))
            except Trouble as trouble:
                outcome.troubles.append(f"round {number}: {trouble}")
            outcome.struck += line.spoiled
            outcome.notes = [f"{line.spoiled} of {line.connections} connections spoiled in the last round"]
            stand.remove()
    return outcome

"""Text and bytes, there and back."""

data = "größer".encode("utf-8")
text = data.decode()
first = data[0]
part = data[:2]
joined = b"-".join([b"a", b"b"])
pieces = b"a,b".split(b",")
buffer = bytearray(b"abc")
buffer[0] = 65
view = memoryview(buffer)
hexed = data.hex()
made = bytes([1, 2])
number = int.from_bytes(made, "big")
for byte in made:
    character = chr(byte + 65)


def checksum(payload):
    total = 0
    for byte in payload:
        total = (total + byte) % 256
    return total


check = checksum(b"data")

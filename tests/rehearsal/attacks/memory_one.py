# One process that takes more and more.
held = []
while True:
    held.append(b"x" * 5000000)

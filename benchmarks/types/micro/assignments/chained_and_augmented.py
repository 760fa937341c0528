"""A till that counts money."""

start = balance = 100
balance += 12.5
coins = notes = []
coins.append(2)
label = "till"
label *= 2
ratio = balance
ratio //= 2
count = 7
count /= 2
flags = True
flags &= False
numbers = [1]
numbers += [2, 3]

"""Rows of a table by position."""

row = [1, "Ada", 2.5]
number = row[0]
name = row[1]
last = row[-1]
row[0] = "one"
word = row[0]
matrix = [[1, 2], [3, 4]]
cell = matrix[1][0]
matrix[0][1] = 5
part = matrix[:1]
reversed_row = matrix[0][::-1]
index = 1
chosen = matrix[index]
mixed = [["a", 1], ["b", 2]]
label = mixed[1][0]

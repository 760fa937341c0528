"""What is asked for: plain data in, plain data out; static knowledge and guesses meet here."""

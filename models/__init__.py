"""What can be guessed: language model, type model, embeddings, in a process of their own."""

"""What exists: workspace, symbols, libraries, documents, in SQLite and FAISS."""

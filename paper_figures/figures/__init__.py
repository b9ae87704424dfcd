"""The figures, a folder for each paper and one for what is ours."""

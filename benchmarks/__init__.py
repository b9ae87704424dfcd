"""How fast everything is, each as a ratio measured side by side in one run: `make bench`."""

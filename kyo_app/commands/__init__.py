"""The commands of `kyo`, one module each; `cli` imports the one that is called."""

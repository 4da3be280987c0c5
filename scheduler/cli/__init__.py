"""The command line: thin, typed, and safe in a pipe. Results go to stdout, talk to stderr."""

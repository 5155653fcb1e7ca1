"""Worker processes and their jobs: what executors share, on this machine and on others."""

"""The executor ``local``: processes or threads of this machine."""

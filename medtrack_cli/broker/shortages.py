"""What this machine may have run out of when a connection or a file fails, and the next step."""

import errno

NO_MEMORY = "this machine or its limits leave no memory: end something, or raise `ulimit -v`"
SHORTAGES = {
    errno.EMFILE: "this process may open no more files: `ulimit -n` tells and raises the limit",
    errno.ENFILE: "this machine may open no more files: end something, or raise fs.file-max",
    errno.ENOMEM: NO_MEMORY,
    errno.ENOBUFS: NO_MEMORY,
}

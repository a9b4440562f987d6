"""Where a process of a container can write: each folder and each file is tried, from its place and with its rights."""

import ctypes
import json
import os
import stat

NEW_MOUNTS = 0x00020000


def writable(pid):
    """Folders in which the process can make a file and files that it can open for writing, as paths of its own."""
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    user, group = owner(pid)
    answer, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace, NEW_MOUNTS) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            os.chdir("/")
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            found = list(tried())
            os.write(tell, json.dumps(found).encode())
            os._exit(0)
        except BaseException as error:  # The parent must not run twice.
            os.write(2, f"image: writes: {error}\n".encode())
            os._exit(1)
    os.close(tell)
    os.close(namespace)
    with os.fdopen(answer, "rb") as told:
        found = told.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit("image: it could not be tried where the process can write")
    return json.loads(found)


def owner(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        told = dict(line.split(":", 1) for line in lines)
    return int(told["Uid"].split()[1]), int(told["Gid"].split()[1])


def tried():
    for folder, folders, names in os.walk("/"):
        # Files of the kernel and devices keep nothing; folders below one that is open are open too.
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/tmp")]
        places = [folder, "/tmp"] if folder == "/" else [folder]
        yield from (place for place in places if makes_a_file(place))
        paths = (os.path.join(folder, name) for name in names)
        yield from (path for path in paths if is_file(path) and opens(path))


def makes_a_file(folder):
    path = os.path.join(folder, "written")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return False
    os.unlink(path)
    return True


def is_file(path):
    return stat.S_ISREG(os.lstat(path).st_mode)


def opens(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
    except OSError:
        return False
    return True

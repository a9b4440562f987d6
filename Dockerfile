# One image for service, worker, migrations and every other command: `docker build --tag pidima .`
#
# Its root can be read-only: a process writes to /tmp alone. It holds neither a shell nor Python, which fetches the small
# embedding model: set PIDIMA_EMBEDDING_PROVIDER to bedrock or openai. There is no HEALTHCHECK, since a worker has no server
# that could be asked: where a server runs, ask `/pidima healthcheck`.
#
# Both bases can be given by digest, or from a registry of one's own.
ARG BUILDER_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# Authorities of RDS, which no system trusts by itself. Fetched from AWS and compared with a digest, so that two builds of
# one commit trust the same; a bundle that AWS has changed ends the build and is looked at before its digest goes in here.
# Without internet: `--build-context rds-ca=FOLDER` takes rds-ca.pem from a folder in place of this stage.
FROM ${BUILDER_IMAGE} AS rds-ca
ARG RDS_CA_URL=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
ARG RDS_CA_SHA256=e5bb2084ccf45087bda1c9bffdea0eb15ee67f0b91646106e466714f9de3c7e3
RUN curl --fail --silent --show-error --proto =https --output /rds-ca.pem "${RDS_CA_URL}" \
    && echo "${RDS_CA_SHA256}  /rds-ca.pem" >/rds-ca.sha256 \
    && sha256sum --check /rds-ca.sha256

FROM ${BUILDER_IMAGE} AS build
WORKDIR /src
# Queries were checked against the schema when .sqlx was written: no database is needed here.
ENV SQLX_OFFLINE=true CARGO_PROFILE_RELEASE_STRIP=symbols
COPY Cargo.toml Cargo.lock ./
COPY .sqlx .sqlx
COPY migrations migrations
COPY seeds seeds
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin pidima \
    && install -D --mode=0555 target/release/pidima /out/pidima

# Bill of materials in CycloneDX: the crates of the program with versions, digests and licences. It is read from the manifest
# and its lock, so that it is made beside the program and not after it. The tool runs for a moment: it is built quickly.
FROM ${BUILDER_IMAGE} AS sbom
WORKDIR /src
# With a fixed time and no random number in it, two builds of one commit list the same.
ENV SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo install --locked --debug --root /usr/local cargo-cyclonedx@0.5.9
COPY Cargo.toml Cargo.lock ./
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo cyclonedx --format json --spec-version 1.5 --target "$(rustc --print host-tuple)" --override-filename sbom.cdx \
    && install -D --mode=0444 sbom.cdx.json /out/sbom.cdx.json

FROM ${RUNTIME_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pidima" \
      org.opencontainers.image.source="https://github.com/pidima/pidima" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=rds-ca /rds-ca.pem /etc/pidima/rds-ca.pem
COPY --from=sbom /out/sbom.cdx.json /sbom.cdx.json
COPY --from=build /out/pidima /pidima
ENV PIDIMA_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/pidima"]
CMD ["serve"]

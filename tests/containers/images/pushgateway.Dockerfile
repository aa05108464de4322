# Stands in for the official image where none can be pulled: Debian's Pushgateway.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus-pushgateway && rm -rf /var/lib/apt/lists/* \
    && mkdir --mode=777 /var/lib/pushgateway
USER 65534
ENTRYPOINT ["/usr/bin/prometheus-pushgateway"]

# Builds souk and the simulator, and ships both without the tools that built them.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches belong to the machine that builds; what is shipped is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package souk --package stripe-sandbox --bins \
    && mkdir /out \
    && cp target/release/souk target/release/stripe-sandbox /out/

FROM debian:bookworm-slim
# curl is for the health check, the certificates for calls to the providers.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/souk --create-home souk
COPY --from=build /out/souk /out/stripe-sandbox /usr/local/bin/
USER souk
WORKDIR /var/lib/souk
ENV SOUK_BIND=0.0.0.0:8080
EXPOSE 8080
# Ready means that the database answers and has the schema that this program expects.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["souk"]
CMD ["serve"]

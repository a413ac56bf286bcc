FROM debian:trixie-slim AS build
WORKDIR /src
COPY dev ./
RUN ./dev setup build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN ./dev build && strip build/release/quorate

FROM debian:trixie-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends libboost-url1.83.0 libsqlite3-0 libspdlog1.15 libxxhash0 libzstd1 \
     libtcmalloc-minimal4t64 curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin quorate \
  && install -d -o quorate -g quorate /data
COPY --from=build /src/build/release/quorate /usr/local/bin/quorate
COPY LICENSE /usr/share/doc/quorate/LICENSE
USER quorate
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["curl", "-fsS", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["quorate"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--data-dir", "/data"]

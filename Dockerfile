# One image for all parts: `frieze up`, `frieze ingest`, `frieze relay`, `frieze web`, `frieze migrate`.
# Any Debian with Python 3.11 or newer will do as a base; docs/operations.md says how to pin it by digest.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS builder
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1
WORKDIR /source
# the tools have an environment of their own, so that none of them is in the one that is copied
RUN python3 -m venv /opt/tools && python3 -m venv --without-pip /opt/frieze
COPY requirements requirements
RUN --mount=type=cache,target=/root/.cache \
    /opt/tools/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/uv.txt \
    && /opt/tools/bin/uv pip install --python /opt/tools --require-hashes -r requirements/build.txt \
    && /opt/tools/bin/uv pip install --python /opt/frieze --require-hashes -r requirements/run.txt
COPY . .
# hatchling builds the page on the way (script/build_page.py)
RUN --mount=type=cache,target=/root/.cache --mount=type=cache,target=/root/.npm \
    /opt/tools/bin/python -m hatchling build -t wheel -d /opt/wheel \
    && /opt/tools/bin/uv pip install --python /opt/frieze --no-deps /opt/wheel/*.whl \
    && /opt/frieze/bin/frieze --help >/dev/null

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Frieze" \
      org.opencontainers.image.description="A self-hosted live image wall over STOMP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Numbers that never change: volumes keep them. A fresh volume takes over the owner of the folder it is mounted on.
RUN groupadd --gid 10001 frieze \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin frieze \
    && install -d -o 10001 -g 10001 -m 0700 /data /pictures
COPY --from=builder /opt/frieze /opt/frieze
ENV PATH=/opt/frieze/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 PYTHONUNBUFFERED=1 \
    FRIEZE_DATA=/data FRIEZE_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["frieze"]
CMD ["up"]

# Two stages: packages are installed, by hash, where pip is; what runs has neither pip's cache nor a way to write but to
# results/. Start it read-only: docker run --read-only --tmpfs /tmp -v rexlapis:/app/results --env-file .env rexlapis-bot
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
RUN python -m venv /venv
COPY requirements.txt /
RUN /venv/bin/python -m pip install --require-hashes --only-binary=:all: -r /requirements.txt \
    && /venv/bin/python -m compileall -q /venv \
    && /venv/bin/python -m pip uninstall -q -y pip

FROM python:${PYTHON}-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp RESULTS_DIR=/app/results
RUN groupadd --system --gid 10001 rexlapis \
    && useradd --system --uid 10001 --gid rexlapis --home-dir /app --no-create-home --shell /usr/sbin/nologin rexlapis \
    && install -d -o rexlapis -g rexlapis /app/results
WORKDIR /app
COPY --from=packages /venv /venv
COPY bot/ bot/
COPY handlers/ handlers/
USER 10001:10001
VOLUME /app/results
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]

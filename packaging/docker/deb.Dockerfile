# Any image of a Debian-like system with more packages on it: the one that builds packages, and the
# servers that packages are installed into (tasks/lib/images.py says which). Built without a context.
ARG BASE
FROM ${BASE}
ENV LANG=C.UTF-8
# SOURCES and APT_SETTINGS: this machine's mirror (deb822) and how to reach it; empty keeps the image's own.
ARG SOURCES=""
ARG APT_SETTINGS=""
RUN if [ -n "$SOURCES" ]; then \
        rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; \
        printf '%s\n' "$SOURCES" > /etc/apt/sources.list.d/mirror.sources; \
    fi; \
    if [ -n "$APT_SETTINGS" ]; then printf '%s\n' "$APT_SETTINGS" > /etc/apt/apt.conf.d/99mirror; fi
# PGDG (deb822): PostgreSQL's own repository, for a major that the system does not ship.
ARG PGDG=""
ARG PGDG_KEY=""
ARG PGDG_FINGERPRINT=""
ARG DEBIAN_FRONTEND=noninteractive
RUN set -eu; \
    if [ -n "$PGDG" ]; then \
        apt-get update; \
        apt-get install -y --no-install-recommends ca-certificates gpg; \
        /usr/lib/apt/apt-helper download-file "$PGDG_KEY" /usr/share/keyrings/pgdg.asc; \
        gpg --show-keys --with-colons /usr/share/keyrings/pgdg.asc | grep -q "^fpr:.*:$PGDG_FINGERPRINT:"; \
        printf '%s\n' "$PGDG" > /etc/apt/sources.list.d/pgdg.sources; \
    fi
ARG PACKAGES
# No service is started while packages are installed: it would die, uncleanly, with this step.
RUN set -eu; \
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
    apt-get update; \
    apt-get install -y --no-install-recommends $PACKAGES; \
    rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/* /var/cache/apt/archives/*.deb

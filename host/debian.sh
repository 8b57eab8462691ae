# Debian's packages: what the lab needs comes, and goes again with all that came with it.
# Sourced by bootstrap.sh, whose variables and words (fail, step) it uses.
#
#   $STATE/added-packages   those that were asked for
#   $STATE/came-along       the packages, users and groups that came with them: package:NAME, user:NAME, group:NAME
#   $STATE/before           the same of the machine, while an installation is under way

# While packages come or go none of their services may start, for the lab runs its own, nor be stopped: one that never
# ran makes its package's removal fail (docker-registry's does). A policy that the machine has already is left alone.
SERVICE_POLICY=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e $SERVICE_POLICY ] && return 0
    trap 'rm -f $SERVICE_POLICY' EXIT
    printf '#!/bin/sh\nexit 101\n' >$SERVICE_POLICY
    chmod 755 $SERVICE_POLICY
    forbidden=1
}

allow_services() {
    [ -z "${forbidden:-}" ] && return 0
    rm -f $SERVICE_POLICY
    forbidden=
    trap - EXIT
}

# What the machine has: package:NAME, user:NAME, group:NAME.
inventory() {
    {
        dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii \(.*\)/package:\1/p'
        sed 's/^\([^:]*\).*/user:\1/' /etc/passwd
        sed 's/^\([^:]*\).*/group:\1/' /etc/group
    } | LC_ALL=C sort -u
}

# Also after one that was cut short: what the machine had is known until what came has been written down.
write_down_what_came() {
    inventory | LC_ALL=C comm -13 "$STATE/before" - >>"$STATE/came-along"
    rm "$STATE/before"
}

install_packages() {
    wanted=$(grep -v '^#' host/packages.txt)
    # Any engine already here serves as the program; never put Debian's over another vendor's.
    command -v dockerd >/dev/null 2>&1 || wanted="$wanted docker.io"
    [ -n "${BUNDLE:-}" ] || command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"
    python3 -c 'import ensurepip' 2>/dev/null || wanted="$wanted python3-venv"
    [ "$1" = dev ] && { command -v chromium >/dev/null 2>&1 || wanted="$wanted chromium"; }
    [ "$1" = dev ] && { command -v firefox-esr >/dev/null 2>&1 || wanted="$wanted firefox-esr"; }
    [ "$1" = dev ] && { ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"; }
    missing=
    for package in $wanted; do
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | cut -c1-2)" = ii ] || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    step "Instalando paquetes de Debian:$missing"
    # docker.io brings it, with a service of its own, which an engine would take for its own at the next start of the machine.
    command -v containerd >/dev/null 2>&1 || brought=" containerd"
    # Written down first: what a failed installation leaves is taken away as well.
    for package in $missing; do echo "$package"; done >>"$STATE/added-packages"
    [ -e "$STATE/before" ] || inventory >"$STATE/before"
    log=$STATE/apt.log
    forbid_services
    # shellcheck disable=SC2086
    { apt-get $APT_OPTIONS update -q && DEBIAN_FRONTEND=noninteractive apt-get $APT_OPTIONS install -yq --no-install-recommends $missing; } >"$log" 2>&1 ||
        fail "no se pudieron instalar los paquetes:$missing. El registro está en $log."
    if ! command -v docker >/dev/null 2>&1; then
        # From Debian 13 on the client is a package of its own.
        missing="$missing docker-cli"
        echo docker-cli >>"$STATE/added-packages"
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get $APT_OPTIONS install -yq --no-install-recommends docker-cli >>"$log" 2>&1 ||
            fail "falta el cliente de Docker y no se pudo instalar docker-cli. El registro está en $log."
    fi
    allow_services
    write_down_what_came
    if command -v systemctl >/dev/null 2>&1; then
        for unit in docker.service docker.socket containerd.service redis-server.service docker-registry.service postgresql.service; do
            case "${brought:-} $missing " in *" ${unit%%.*}"*) systemctl disable --now "$unit" >/dev/null 2>&1 || true ;; esac
        done
    fi
}

# Removes what install_packages added, and nothing that something else of the machine needs by now: that is left in $kept.
remove_packages() {
    [ -s "$STATE/added-packages" ] || return 0
    step "Quitando los paquetes que se añadieron"
    [ ! -e "$STATE/before" ] || write_down_what_came
    forbid_services
    log=$STATE/apt.log
    sed 's/^/package:/' "$STATE/added-packages" | cat - "$STATE/came-along" 2>/dev/null | LC_ALL=C sort -u >"$STATE/ours"
    inventory | LC_ALL=C comm -12 - "$STATE/ours" >"$STATE/there"
    asked=$(sed 's/^/package:/' "$STATE/added-packages" | LC_ALL=C sort -u | LC_ALL=C comm -12 - "$STATE/there" | cut -d: -f2)
    # As if nobody had asked for them: then apt says itself which of all are of no use to anything.
    # shellcheck disable=SC2086
    { [ -z "$asked" ] || apt-mark auto $asked; } >"$log" 2>&1 &&
        apt-get -s -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false autoremove >"$STATE/useless" 2>>"$log" &&
        going=$(sed -n 's/^Remv \([^ :]*\).*/package:\1/p' "$STATE/useless" | LC_ALL=C sort -u | LC_ALL=C comm -12 - "$STATE/there" | cut -d: -f2) &&
        { [ -z "$going" ] || DEBIAN_FRONTEND=noninteractive apt-get purge -yq $going >>"$log" 2>&1; } ||
        # What says which they were stays until they are gone, so that it can be tried again.
        fail "no se pudieron quitar los paquetes que se añadieron: el registro está en $log. Los datos siguen ahí; arréglalo y repite la orden."
    allow_services
    kept=$(inventory | LC_ALL=C comm -12 - "$STATE/there" | sed -n 's/^package:/ /p' | tr -d '\n')
    # Their packages leave these behind, for there might be files of theirs; whoever stays may need them.
    [ -n "$kept" ] || for kind in user group; do
        for name in $(sed -n "s/^$kind://p" "$STATE/there"); do
            "${kind}del" "$name" >>"$log" 2>&1 || true
        done
    done
}

#!/bin/sh
# Prepares a bare Debian machine (packages, Python set, front end) and hands over to host/lab.py.
#
#   bootstrap.sh up [--name NAME] [--exec CMD …]   start a lab (and run CMD against it)
#   bootstrap.sh down [--name NAME]                stop a lab from another terminal
#   bootstrap.sh compose up|down|run|backup|restore …   the same with the site in containers (host/compose.py)
#   bootstrap.sh uninstall                         remove all that was added to the machine
#   bootstrap.sh bundle [FILE]                     pack all that a machine without a network needs
#   bootstrap.sh python ARGS…                      run the project's Python (tools only, no lab)
#
# Everything it adds is written down under $STATE, so that uninstall takes away just that.
set -eu

ROOT=$(cd "$(dirname "$0")/.." && pwd)
STATE=${LAB_STATE:-/var/lib/docker-intensivo}
TOOLS=$STATE/tools
# Where apt and pip find things; a bundle says where instead (host/bundle.sh).
APT_OPTIONS=
PIP_OPTIONS=
# Timers, hooks and a plain `su` leave these out.
export HOME="${HOME:-/root}" PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
cd "$ROOT"

fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
step() { printf '%s\n' "· $*"; }
# shellcheck source=host/bundle.sh
. "$ROOT/host/bundle.sh"

check_machine() {
    [ "$(id -u)" = 0 ] || fail "hace falta ser root (el laboratorio crea redes y un motor propio): repite la orden con sudo."
    # shellcheck disable=SC1091
    . /etc/os-release 2>/dev/null || true
    case " ${ID:-} ${ID_LIKE:-} " in
        *" debian "*) ;;
        *) fail "este sistema no es Debian ni deriva de él (${PRETTY_NAME:-desconocido}): usa una máquina con Debian 12 o posterior." ;;
    esac
    [ -e /proc/self/ns/user ] && [ "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null || echo 0)" -gt 0 ] ||
        fail "el núcleo no permite espacios de nombres de usuario: ejecuta «sysctl -w user.max_user_namespaces=15000» y vuelve a intentarlo."
    mkdir -p "$STATE" 2>/dev/null || fail "no se puede escribir en $STATE: revisa los permisos del disco."
    case "${LAB_MIN_DISK_MB:-0}" in *[!0-9]*) fail "LAB_MIN_DISK_MB es «$LAB_MIN_DISK_MB» y debe ser un número de MB." ;; esac
    free_mb=$(df -Pm "$STATE" | awk 'NR==2 {print $4}')
    [ "$free_mb" -ge "${LAB_MIN_DISK_MB:-8000}" ] ||
        fail "quedan $free_mb MB libres en $STATE y hacen falta ${LAB_MIN_DISK_MB:-8000}: libera espacio o pon LAB_STATE en otro disco."
}

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
    log=$STATE/apt.log
    forbid_services
    # shellcheck disable=SC2086
    { apt-get $APT_OPTIONS update -q && DEBIAN_FRONTEND=noninteractive apt-get $APT_OPTIONS install -yq --no-install-recommends $missing; } >"$log" 2>&1 ||
        fail "no se pudieron instalar los paquetes:$missing. El registro está en $log."
    if ! command -v docker >/dev/null 2>&1; then
        # From Debian 13 on the client is a package of its own.
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get $APT_OPTIONS install -yq --no-install-recommends docker-cli >>"$log" 2>&1 ||
            fail "falta el cliente de Docker y no se pudo instalar docker-cli. El registro está en $log."
        missing="$missing docker-cli"
        echo docker-cli >>"$STATE/added-packages"
    fi
    allow_services
    if command -v systemctl >/dev/null 2>&1; then
        for unit in docker.service docker.socket containerd.service redis-server.service docker-registry.service postgresql.service; do
            case "${brought:-} $missing " in *" ${unit%%.*}"*) systemctl disable --now "$unit" >/dev/null 2>&1 || true ;; esac
        done
    fi
}

find_python() {
    for version in 3.13 3.12; do
        for candidate in "$BUNDLED/python/bin/python$version" "$(command -v python$version || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/$version*/bin/python$version; do
            # A pyenv shim answers with an error when its version is not selected.
            [ -x "$candidate" ] && "$candidate" -c '' 2>/dev/null && { echo "$candidate"; return; }
        done
    done
    echo 3.13   # uv downloads one
}

install_python() {
    lock=requirements.lock
    [ "$1" = dev ] && lock=requirements-dev.lock
    key=$(cat $lock host/uv.lock.txt | sha256sum | cut -d' ' -f1)
    case "$(cat .venv/.lock 2>/dev/null || true)" in
        *"$key"*) return 0 ;;
    esac
    if [ ! -x "$TOOLS/uv/bin/uv" ]; then
        step "Instalando uv"
        python3 -m venv "$TOOLS/uv" || fail "python3 no puede crear entornos virtuales: instala python3-venv."
        # shellcheck disable=SC2086
        "$TOOLS/uv/bin/pip" install -q $PIP_OPTIONS -r host/uv.lock.txt || fail "no se pudo instalar uv: comprueba el acceso a PyPI."
    fi
    step "Instalando las bibliotecas de Python ($lock)"
    python=$(find_python)
    [ -x .venv/bin/python ] || "$TOOLS/uv/bin/uv" venv -q --clear --python "$python" .venv ||
        fail "no hay Python 3.12 ni 3.13 y no se pudo descargar."
    # Compiled at once: what runs later may not write there, and would compile it all anew at each start, for seconds.
    # shellcheck disable=SC2086
    "$TOOLS/uv/bin/uv" pip install -q --compile-bytecode $PIP_OPTIONS --python .venv/bin/python --require-hashes -r $lock ||
        fail "no se pudieron instalar las bibliotecas de Python: comprueba el acceso a PyPI."
    # The development set holds the runtime set, so it satisfies both.
    { [ "$1" = dev ] && cat requirements.lock host/uv.lock.txt | sha256sum | cut -d' ' -f1; echo "$key"; } >.venv/.lock
}

build_front() {
    # Skip when nothing that feeds the bundle changed.
    key=$(cat package.json package-lock.json esbuild.mjs $(find static -path static/build -prune -o -type f -print | sort) | sha256sum | cut -d' ' -f1)
    [ "$(cat static/build/.key 2>/dev/null || true)" = "$key" ] && return 0
    if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
        step "Instalando las bibliotecas de JavaScript"
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$STATE/npm.log" 2>&1 ||
            fail "npm no pudo instalar las bibliotecas: el registro está en $STATE/npm.log."
    fi
    step "Empaquetando la interfaz"
    node esbuild.mjs >"$STATE/esbuild.log" 2>&1 || { cat "$STATE/esbuild.log" >&2; fail "esbuild no pudo empaquetar la interfaz."; }
    echo "$key" >static/build/.key
}

prepare() {
    check_machine
    [ -z "${BUNDLE:-}" ] || bundle_open "$BUNDLE"
    install_packages "$1"
    install_python "$1"
    .venv/bin/python -m compileall -q -x sandboxes/images host labsite lessons sandboxes >/dev/null
    build_front
}

command=${1:-up}
[ $# -gt 0 ] && shift
kind=run
case " $* " in *" --exec "*) kind=dev ;; esac
case $command in
    up) prepare $kind; exec .venv/bin/python -m host.lab up "$@" ;;
    python) check_machine; install_packages dev; install_python dev; build_front; exec .venv/bin/python "$@" ;;
    compose)
        case ${1:-} in
            up | restore) prepare run ;;
            *) [ "$(id -u)" = 0 ] || fail "hace falta ser root: repite la orden con sudo."
               [ -x .venv/bin/python ] || fail "aquí no se ha arrancado nada todavía: empieza por «sudo make compose-up»." ;;
        esac
        verb=${1:-}
        [ $# -gt 0 ] && shift
        exec .venv/bin/python -m host.compose "$verb" "$@" ;;
    bundle)
        prepare run
        .venv/bin/python -c 'from host import images; from host.instance import Instance; images.ensure(Instance("lab"), lambda what: print(f"      construyendo {what}"))'
        bundle_make "${1:-aula.tar.gz}" ;;
    down | uninstall)
        [ "$(id -u)" = 0 ] || fail "hace falta ser root: repite la orden con sudo."
        if [ ! -x .venv/bin/python ]; then
            # Without it what runs would stay, and what is kept would go from under it.
            for home in "$STATE"/*/env "$STATE"/*/compose; do
                [ ! -e "$home" ] || fail "en esta copia del proyecto no se ha instalado nada: repite la orden en la carpeta desde la que se arrancó o, si ya no existe, arráncalo y páralo antes en esta («sudo make run» y Ctrl-C)."
            done
        else
            if [ "$command" = uninstall ]; then
                # Containers first: the engine that holds them may be the machine's.
                for compose in "$STATE"/*/compose; do
                    [ -d "$compose" ] || continue
                    .venv/bin/python -m host.compose remove --name "$(basename "$(dirname "$compose")")"
                done
            fi
            .venv/bin/python -m host.lab "$command" "$@"
        fi
        [ "$command" = uninstall ] || exit 0
        if [ -s "$STATE/added-packages" ]; then
            step "Quitando los paquetes que se añadieron"
            forbid_services
            # What says which they were stays until they are gone, so that it can be tried again.
            # shellcheck disable=SC2046
            DEBIAN_FRONTEND=noninteractive apt-get purge -yq $(sort -u "$STATE/added-packages") >"$STATE/apt.log" 2>&1 ||
                fail "no se pudieron quitar los paquetes que se añadieron: el registro está en $STATE/apt.log. Los datos siguen ahí; arréglalo y repite la orden."
            allow_services
            purged=1
        fi
        # shellcheck disable=SC2046
        [ ! -s "$STATE/added-files" ] || rm -f $(sort -u "$STATE/added-files")
        if [ -e "$LIBRARIES" ]; then rm "$LIBRARIES" && ldconfig; fi
        rm -rf "$STATE" .venv node_modules static/build
        step "Desinstalado"
        [ ! -e /etc/docker-intensivo ] || step "Se queda /etc/docker-intensivo, que escribiste tú"
        [ -z "${purged:-}" ] || step "Se quedan las dependencias de esos paquetes: «apt autoremove» las quita" ;;
    *) fail "orden desconocida: $command (up, down, compose, uninstall, bundle, python)" ;;
esac

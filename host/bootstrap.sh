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
# What is fetched is kept where uninstalling takes it away.
export UV_CACHE_DIR="$STATE/cache/uv" UV_PYTHON_INSTALL_DIR="$STATE/tools/python" PIP_CACHE_DIR="$STATE/cache/pip" npm_config_cache="$STATE/cache/npm"
# Timers, hooks and a plain `su` leave these out.
export HOME="${HOME:-/root}" PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
cd "$ROOT"

fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
step() { printf '%s\n' "· $*"; }
# shellcheck source=host/bundle.sh
. "$ROOT/host/bundle.sh"
# shellcheck source=host/debian.sh
. "$ROOT/host/debian.sh"

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
        remove_packages
        # shellcheck disable=SC2046
        [ ! -s "$STATE/added-files" ] || rm -f $(sort -u "$STATE/added-files")
        if [ -e "$LIBRARIES" ]; then rm "$LIBRARIES" && ldconfig; fi
        rm -rf "$STATE" .venv node_modules static/build
        find . -name __pycache__ -prune -exec rm -rf {} +
        # What engines write and leave, where there is none any more.
        command -v dockerd >/dev/null 2>&1 || rm -rf /etc/docker/key.json /run/docker /run/containerd /run/runc
        # What its programs made and left empty. `ip netns` mounts its folder on itself.
        [ ! -d /run/netns ] || [ -n "$(ls -A /run/netns)" ] || umount /run/netns 2>/dev/null || true
        rmdir /run/netns /run/docker/plugins /run/docker /etc/docker 2>/dev/null || true
        rmdir /usr/local/lib/docker/cli-plugins /usr/local/lib/docker /opt/containerd/bin /opt/containerd/lib /opt/containerd 2>/dev/null || true
        step "Desinstalado"
        [ ! -e /etc/docker-intensivo ] || step "Se queda /etc/docker-intensivo, que escribiste tú"
        [ -z "${kept:-}" ] || step "Se quedan, que otro programa los usa ya:$kept" ;;
    *) fail "orden desconocida: $command (up, down, compose, uninstall, bundle, python)" ;;
esac

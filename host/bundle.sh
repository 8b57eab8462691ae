# The classroom in one file: what `make run` would fetch, packed where there is a network, used where there is none.
# Sourced by bootstrap.sh, whose variables and words (fail, step) it uses.
#
#   debs/        the Debian packages with all they need, as a repository of files
#   wheels/      the locked Python set, and uv
#   python/      the interpreter
#   static/      the front end, bundled
#   images/      sandbox and course images, package mirror (host/images.py)
#   about        what machine and what sources it is for

BUNDLED=$STATE/bundle
LIBRARIES=/etc/ld.so.conf.d/docker-intensivo.conf

bundle_about() {
    # shellcheck disable=SC1091
    . /etc/os-release
    echo "${VERSION_CODENAME:-$ID} $(dpkg --print-architecture) $(cat requirements.lock host/packages.txt host/uv.lock.txt | sha256sum | cut -c1-16)"
}

# bundle_make FILE: pack what this machine has (bootstrap.sh has prepared it, and its images are built).
bundle_make() {
    target=$(realpath -m "$1")
    draft=$(mktemp -d "$STATE/bundle-draft-XXXXXX")
    trap 'rm -rf "$draft"' EXIT
    step "Paquetes de Debian, con todo lo que necesitan"
    mkdir -p "$draft/debs/partial" "$draft/wheels" "$draft/images" "$draft/static"
    : >"$draft/status"
    # As on a machine with nothing installed, so that none of what they need is left out.
    # shellcheck disable=SC2046
    apt-get -qy -o Dir::State::status="$draft/status" -o Dir::Cache::archives="$draft/debs" -o APT::Sandbox::User=root \
        install --download-only --no-install-recommends $(grep -v '^#' host/packages.txt) docker.io python3-venv >"$STATE/bundle.log" 2>&1 ||
        fail "no se pudieron descargar los paquetes de Debian: el registro está en $STATE/bundle.log."
    rm -rf "$draft/debs/partial" "$draft/debs/lock" "$draft/status"
    (
        cd "$draft/debs"
        for deb in *.deb; do
            dpkg-deb -f "$deb"
            printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
        done >Packages
    )
    step "Bibliotecas de Python"
    python=$(.venv/bin/python -c 'import sys; print("%d.%d %s" % (*sys.version_info[:2], sys.base_prefix))')
    machine=$(uname -m)
    for lock in requirements.lock host/uv.lock.txt; do
        version=${python%% *}
        # uv runs on the machine's own Python, the project on its interpreter.
        [ $lock = requirements.lock ] || version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        "$TOOLS/uv/bin/pip" download -q --no-deps --dest "$draft/wheels" -r $lock --only-binary :all: --python-version "$version" \
            --implementation cp --abi "cp$(echo "$version" | tr -d .)" --abi abi3 --abi none \
            --platform "manylinux2014_$machine" --platform "manylinux_2_28_$machine" --platform "manylinux_2_17_$machine" --platform any >>"$STATE/bundle.log" 2>&1 ||
            fail "no se pudieron descargar las bibliotecas de Python: el registro está en $STATE/bundle.log."
    done
    step "Intérprete, interfaz e imágenes"
    mkdir "$draft/python"
    tar -C "${python#* }" -cf - --exclude='__pycache__' --exclude='lib/python*/test' --exclude='lib/python*/site-packages/*' . | tar -C "$draft/python" -xf -
    cp -a static/build "$draft/static/build"
    for part in $(.venv/bin/python -c 'from host import images; print(*(part.path for part in images.parts()))'); do
        cp -al "$part" "$draft/images/"
    done
    bundle_about >"$draft/about"
    step "Empaquetando en $target"
    # 1: a file «changed» meanwhile. Images never do; their links come and go with the labs of this machine.
    tar -C "$draft" --warning=no-file-changed -czf "$target.new" . || [ $? = 1 ] || fail "no se pudo escribir $target: ¿hay sitio?"
    mv "$target.new" "$target"
    step "Listo: $(du -h "$target" | cut -f1). En la otra máquina, con esta misma copia del proyecto: make run BUNDLE=$target"
}

# bundle_open FILE: unpack it where the rest of bootstrap.sh looks first.
bundle_open() {
    [ -r "$1" ] || fail "no se puede leer el paquete «$1»."
    seal="$(realpath "$1") $(stat -c '%s %Y' "$1")"
    if [ "$(cat "$BUNDLED/seal" 2>/dev/null || true)" != "$seal" ]; then
        step "Abriendo $1"
        rm -rf "$BUNDLED"
        mkdir -p "$BUNDLED"
        tar -C "$BUNDLED" -xzf "$1" || fail "«$1» no se pudo abrir: está dañado o no cabe en $STATE."
        [ "$(cat "$BUNDLED/about" 2>/dev/null || true)" = "$(bundle_about)" ] ||
            fail "«$1» se hizo para otra versión de Debian, otro procesador u otra versión del proyecto: hazlo de nuevo con «make bundle»."
        mkdir -p "$STATE/images"
        for part in "$BUNDLED"/images/*; do
            [ -e "$STATE/images/$(basename "$part")" ] || mv "$part" "$STATE/images/"
        done
        rm -rf "$BUNDLED/images"
        echo "$seal" >"$BUNDLED/seal"
    fi
    [ -d static/build ] || cp -a "$BUNDLED/static/build" static/build
    echo "deb [trusted=yes] file:$BUNDLED/debs ./" >"$BUNDLED/sources.list"
    mkdir -p "$BUNDLED/lists/partial"
    APT_OPTIONS="-o Dir::Etc::SourceList=$BUNDLED/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::lists=$BUNDLED/lists"
    PIP_OPTIONS="--no-index --find-links $BUNDLED/wheels"
    # Its interpreter was built for another place, where it would look for its library.
    if ! "$BUNDLED"/python/bin/python3 -c '' 2>/dev/null; then
        echo "$BUNDLED/python/lib" >"$LIBRARIES"
        ldconfig
    fi
}

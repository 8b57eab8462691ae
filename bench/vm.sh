#!/bin/sh
# A stock Debian in a machine of its own, emulated where there is no KVM: for what the machine you sit at may not have
# (cgroups v2, systemd, AppArmor, Debian's kernel). Nothing but a bundle goes in, and nothing comes out: it has no network.
#
#   sh bench/vm.sh make BUNDLE   its disk, with this commit installed from a bundle of it (`make bundle OUT=…`); ten minutes
#   sh bench/vm.sh start         boot it and wait until it answers
#   sh bench/vm.sh run CMD…      run a command in it, in the project's folder
#   sh bench/vm.sh test FILE…    run tests in it, against a lab of their own; those that need no lab, by `run .venv/bin/pytest …`
#   sh bench/vm.sh doctor        start a lab and ask lab_doctor
#   sh bench/vm.sh stop          shut it down; `make` anew or remove $VM_DIR to be rid of it
#
# Needs root (for a loop mount) and qemu-system-x86, debootstrap, openssh-client. The defaults are for emulation: ten to twenty
# times slower than the machine itself, so that the first start of a lab in it takes a quarter of an hour, and an hour where others
# want the processor too. Some machines have a /dev/kvm that boots no stock kernel (PVM): say VM_ACCEL='tcg,thread=multi' there.
set -eu
VM_DIR=${VM_DIR:-/var/tmp/docker-intensivo-vm}
VM_PORT=${VM_PORT:-2280}
VM_SUITE=${VM_SUITE:-bookworm}
VM_ACCEL=${VM_ACCEL:-kvm -accel tcg,thread=multi}
PACKAGES=systemd-sysv,udev,dbus,kmod,iproute2,ca-certificates,make,openssh-server,procps,python3-minimal,netbase,apparmor
root=$VM_DIR/root

fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
inside() {
    ssh -qi "$VM_DIR/key" -p "$VM_PORT" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 root@127.0.0.1 "$@"
}

unmount() {
    for folder in dev proc sys ''; do
        ! mountpoint -q "$root/$folder" || umount "$root/$folder"
    done
}

make_disk() {
    [ -r "$1" ] || fail "there is no bundle «$1»."
    mkdir -p "$root"
    trap unmount EXIT
    truncate -s 0 "$VM_DIR/disk"
    truncate -s 30G "$VM_DIR/disk"
    mkfs.ext4 -q "$VM_DIR/disk"
    mount -o loop "$VM_DIR/disk" "$root"
    debootstrap --variant=minbase --include="$PACKAGES" "$VM_SUITE" "$root" >"$VM_DIR/debootstrap.log"
    for folder in dev proc sys; do mount --bind "/$folder" "$root/$folder"; done
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # As the host's: by its mirror and, with it, the security updates that the bundle's packages are of.
    rm -f "$root/etc/apt/sources.list"
    printf 'deb http://deb.debian.org/debian %s main\ndeb http://deb.debian.org/debian-security %s-security main\n' "$VM_SUITE" "$VM_SUITE" >"$root/etc/apt/sources.list"
    chroot "$root" sh -ec 'apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends linux-image-amd64 initramfs-tools' >"$VM_DIR/apt.log" 2>&1
    : >"$root/etc/resolv.conf"
    echo maquina >"$root/etc/hostname"
    echo '127.0.0.1 localhost maquina' >"$root/etc/hosts"
    echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
    printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/vm.network"
    chroot "$root" systemctl -q enable systemd-networkd ssh
    rm -f "$VM_DIR/key"
    ssh-keygen -q -t ed25519 -N '' -f "$VM_DIR/key"
    install -Dm 600 "$VM_DIR/key.pub" "$root/root/.ssh/authorized_keys"
    mkdir -p "$root/srv/docker-intensivo"
    git archive HEAD | tar -xC "$root/srv/docker-intensivo"
    cp "$1" "$root/root/aula.tar.gz"
    # Here, at this machine's pace; it comes from the bundle all the same, for there is no way out in there.
    chroot "$root" env -i HOME=/root PATH="$PATH" LANG=C.UTF-8 sh -ec 'cd /srv/docker-intensivo; BUNDLE=/root/aula.tar.gz sh host/bootstrap.sh up --help' \
        >"$VM_DIR/install.log" 2>&1 || fail "the bundle could not be installed; see $VM_DIR/install.log."
    # What tests need besides, if it is installed here.
    for packages in .venv/lib/python*/site-packages; do
        [ ! -d "$packages/_pytest" ] || cp -a "$packages/." "$root/srv/docker-intensivo/$packages/"
    done
    cp "$root"/boot/vmlinuz-* "$VM_DIR/kernel"
    cp "$root"/boot/initrd.img-* "$VM_DIR/initrd"
}

start() {
    # shellcheck disable=SC2086  # VM_ACCEL and VM_OPTIONS are words
    qemu-system-x86_64 -name docker-intensivo-vm -machine q35 -accel $VM_ACCEL -cpu max -smp 2 -m 6G -display none -daemonize \
        -pidfile "$VM_DIR/pid" -serial "file:$VM_DIR/console.log" -device virtio-rng-pci \
        -kernel "$VM_DIR/kernel" -initrd "$VM_DIR/initrd" -append 'root=/dev/vda rw console=ttyS0' \
        -drive "file=$VM_DIR/disk,format=raw,if=virtio,cache=unsafe" \
        -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$VM_PORT-:22" -device virtio-net-pci,netdev=net ${VM_OPTIONS:-}
    tries=0
    until inside true; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || fail "it does not answer; its console is $VM_DIR/console.log."
        sleep 5
    done
    inside 'uname -r; grep -w cgroup2 /proc/mounts; systemctl is-system-running --wait' || true
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
    make) make_disk "${1:-aula.tar.gz}" ;;
    start) start ;;
    run) inside "cd /srv/docker-intensivo && $*" ;;
    test)
        inside "cd /srv/docker-intensivo && .venv/bin/python -m host.lab up --name prueba --exec .venv/bin/python -m pytest -q -p no:cacheprovider $*" ;;
    doctor)
        inside 'cd /srv/docker-intensivo && systemd-run -qu laboratorio -p WorkingDirectory=$PWD -p StandardOutput=file:/root/laboratorio.log \
            -p KillMode=mixed -p TimeoutStopSec=5min make run BUNDLE=/root/aula.tar.gz
            until grep -q ^Listo /root/laboratorio.log; do systemctl -q is-active laboratorio || exec cat /root/laboratorio.log; sleep 5; done
            cat /root/laboratorio.log
            LAB_ENV_FILE=/var/lib/docker-intensivo/lab/env .venv/bin/python manage.py lab_doctor' ;;
    stop)
        inside poweroff || true
        tail --pid="$(cat "$VM_DIR/pid")" -f /dev/null ;;
    *) fail "make BUNDLE | start | run CMD… | test FILE… | doctor | stop" ;;
esac

"""Ways out of a sandbox: to the host's devices, kernel, processes, engine and limits, by hand or by a container."""

from __future__ import annotations

import platform

from sandboxes.doctor import syscalls
from sandboxes.doctor.attempt import NOTHING, Attack, each, none, says

_NAMESPACED = (
    r"kernel/(hostname|domainname|msg\w+|shm\w+|sem|sem_next_id|ns_last_pid|pid_max|auto_msgmni|cap_last_cap)$|^/proc/sys/fs/mqueue/|"
    r"^/proc/sys/user/"
)
_OPEN_SYSCTLS = rf"""perl -MFile::Find -MFcntl -e '
  find({{no_chdir=>1, wanted=>sub {{
    return unless -f $_; return if m#{_NAMESPACED}#;
    print "abierto $_\n" if sysopen(my $f, $_, O_WRONLY);
  }}}}, grep {{ -e }} qw(/proc/sys/kernel /proc/sys/vm /proc/sys/fs /proc/sys/dev /proc/sys/debug));
  for (qw(/proc/sysrq-trigger /proc/kcore /proc/kmem /dev/mem /dev/kmem /proc/timer_list /sys/kernel/uevent_helper)) {{
    print "abierto $_\n" if sysopen(my $f, $_, O_WRONLY);
  }}
  print "{NOTHING}\n";'"""

_SECRETS = "/proc/kcore /proc/kmsg /proc/kpagecount /proc/kpageflags /proc/slabinfo /proc/timer_list /sys/firmware"
_UNMASKED = f"""unshare --mount --pid --fork sh <<'FIN'
for over in $(awk '$5 ~ "^/(proc|sys)/" {{ print $5 }}' /proc/self/mountinfo | sort -r); do umount -l $over 2>/dev/null; done
for place in /proc /sys; do mount -o remount,rw $place 2>/dev/null; done; mount -t proc none /proc 2>/dev/null
for file in {_SECRETS}; do head -c 1 $file >/dev/null 2>&1 && echo "leído $file"; done
perl -MFile::Find -MFcntl -e 'find({{no_chdir=>1, wanted=>sub {{
  if (m#^/sys/fs/cgroup$|/net$#) {{ $File::Find::prune = 1; return }}
  print "abierto $_\n" if !-l $_ && -f _ && sysopen(my $f, $_, O_WRONLY) }}}}, "/sys")'
{_OPEN_SYSCTLS}
FIN"""
# A filter that only knows the calls of 64 bits must kill those of other tables: the i386 one, and x32's.
_BPF_OF_32_BITS = "b86501000031db31c931d2cd80f7d889c3b801000000cd80"
_OTHER_TABLES = f"""perl -e 'my $code = pack("H*", "{_BPF_OF_32_BITS}"); my $file = "/tmp/doctor-32"; open(my $f, ">", $file);
print $f pack("a16v2V5v6", "\x7fELF\1\1\1", 2, 3, 1, 0x08048054, 52, 0, 0, 52, 32, 1, 0, 0, 0),
  pack("V8", 1, 0, 0x08048000, 0x08048000, 84 + length $code, 84 + length $code, 5, 4096), $code; close $f; chmod 0755, $file;
my $i386 = system {{ $file }} $file; my $said = $!; unlink $file;
print "i386 dio " . ($i386 >> 8) . "; " unless ($i386 == -1 && $said =~ /format/) || ($i386 & 127) == 31;
my $p = fork; if (!$p) {{ syscall(0x40000000 + 321, 0, 0, 0); exit $! + 0 }} waitpid $p, 0;
print "x32 dio " . ($? >> 8) . "; " unless ($? & 127) == 31; print "{NOTHING}"'"""
_SEEN_DEVICES = each(
    """for file in $(find /dev ! -type d ! -type l ! -type p ! -type s ! -path '/dev/pts/*'); do
  case $file in
    /dev/null | /dev/zero | /dev/full | /dev/random | /dev/urandom | /dev/tty | /dev/console | /dev/mqueue/* | /dev/shm/*) ;;
    *) got "$file" ;;
  esac
done
for place in $(awk '$5 != "/" && / master:/ { print $5 }' /proc/1/mountinfo); do
  [ ! -d $place ] || got "a $place le llegan montajes de la máquina"  # nothing comes below a file, as the devices are with systemd
done"""
)

_SYSCALLS = (
    "perl -e 'my %c=("
    + ",".join(f"{name}=>[{number},{syscalls.expected(name)}]" for name, number in syscalls.refused().items())
    + "); for (sort keys %c) { my $r=syscall($c{$_}[0],0,0,0,0,0,0); my $e=$r<0?$!+0:0;"
    + ' print "$_ dio $e; " if $e!=$c{$_}[1]; } print "'
    + NOTHING
    + "\"'"
)

_DEVICES = each(
    """for dev in 8:0 254:0 253:0 259:0 7:0 10:237 1:1 $(cat /sys/class/block/*/dev 2>/dev/null); do
  node=/tmp/doctor-node; rm -f $node
  if mknod $node b ${dev%:*} ${dev#*:} 2>/dev/null; then head -c 1 $node >/dev/null 2>&1 && got "leído $dev"; fi
  rm -f $node
  if mknod $node c ${dev%:*} ${dev#*:} 2>/dev/null; then head -c 1 $node >/dev/null 2>&1 && got "leído c $dev"; fi
done; rm -f /tmp/doctor-node"""
)
_MOUNTS = each(
    """mkdir -p /tmp/doctor-mnt
for source in $(awk '$1 ~ "^/dev/" { print $1 }' /proc/mounts | sort -u) /dev/vda /dev/sda /dev/nvme0n1 /dev/loop0; do
  for kind in btrfs ext4 xfs; do
    mount -t $kind $source /tmp/doctor-mnt 2>/dev/null && { got "montado $source"; umount /tmp/doctor-mnt; }
  done
done
for kind in debugfs tracefs securityfs efivarfs configfs pstore; do
  mount -t $kind none /tmp/doctor-mnt 2>/dev/null && { got "montado $kind"; umount /tmp/doctor-mnt; }
done"""
)
_PROCESSES = each(
    """[ "$(cat /proc/1/comm)" = tini ] || got "el proceso 1 es $(cat /proc/1/comm)"
for dir in /proc/[0-9]*; do
  [ "$(stat -c %u $dir 2>/dev/null || echo 0)" = 65534 ] && got "se ve $(cat $dir/comm)"
done
ls /proc/1/root/etc/docker-intensivo >/dev/null 2>&1 && got 'se ve /etc/docker-intensivo'"""
)
_SOCKETS = each(
    """for sock in $(find / -xdev -type s -name '*.sock' 2>/dev/null); do
  case $sock in */engine.sock | */redis.sock | */plugins/*) got "se ve $sock" ;; esac
  curl -s -m 2 --unix-socket $sock http://engine/containers/json?all=1 2>/dev/null | grep -q 'lab\\.id' && got "el motor de fuera: $sock"
done
grep -q docker-intensivo /proc/net/unix && got 'se ve un socket de fuera'"""
)
_CGROUP_LIMITS = each(
    """openable() { perl -MFcntl -e 'exit !sysopen(my $f, $ARGV[0], O_WRONLY)' "$1"; }
cd /sys/fs/cgroup; if [ -e cgroup.controllers ]; then set -- *.*; else set -- */*.* */notify_on_release; fi
seen=0
for file; do
  case ${file##*/} in cgroup.procs | cgroup.threads | cgroup.subtree_control | cgroup.event_control) continue ;; esac
  seen=$((seen + 1)); openable $file && got "abierto $file"
done
[ $seen -gt 20 ] || got "solo se ven $seen ficheros de límites"
for file in $(find /sys/fs/cgroup -maxdepth 3 -name release_agent 2>/dev/null); do openable $file && got "abierto $file"; done
mkdir -p /tmp/doctor-mnt
for what in memory pids cpu; do
  mount -t cgroup -o $what none /tmp/doctor-mnt 2>/dev/null && { got "montado $what"; umount /tmp/doctor-mnt; }
  unshare --cgroup --mount sh -c "
    mount -t cgroup -o $what none /tmp/doctor-mnt || mount -t cgroup2 none /tmp/doctor-mnt || exit 1
    cd /tmp/doctor-mnt
    for f in memory.limit_in_bytes memory.max pids.max cpu.cfs_quota_us cpu.max; do
      [ -e \\$f ] && echo 99999999 >\\$f && exit 0
    done; exit 1" >/dev/null 2>&1 && got "límite de $what por otro montaje"
done"""
)
_UNCONFINED = "--cap-add ALL --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"


def _inside(options: str, script: str, *, wanted: str = "dentro") -> str:
    """Run a script in a container of the inner engine; anything but `wanted` is what it got. The script is in single quotes."""
    return each(
        f"""docker pull -q busybox:1.37 >/dev/null
said=$(docker run --rm {options} busybox:1.37 sh -c '{script}' 2>&1)
[ "$said" = "{wanted}" ] || got "$said\""""
    )


_PROBE = """echo dentro
  for d in "8 0" "254 0" "259 0" "7 0"; do
    rm -f /d; mknod /d b $d 2>/dev/null && head -c 1 /d >/dev/null 2>&1 && echo "leido $d"
  done
  for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe; do (: >>$f) 2>/dev/null && echo "abierto $f"; done
  for k in debugfs tracefs; do mount -t $k none /mnt 2>/dev/null && echo "montado $k"; done; true"""
_UNCONFINED_PROBE = _inside(_UNCONFINED, _PROBE)
# A read-only /sys lets no container of --privileged start; its root may try to make it writable first.
_PRIVILEGED = (
    """mount -o remount,rw /sys 2>/dev/null || mount -o remount,bind,rw /sys 2>/dev/null
said=$(docker run --rm --privileged busybox:1.37 true 2>&1)
case $said in *'error mounting "sysfs"'*) echo 'el motor de dentro no puede'; exit ;; esac
"""
    + _inside("--privileged", _PROBE)
    + "\nmount -o remount,bind,ro /sys"
)
_HOST_PID = _inside(
    f"{_UNCONFINED} --pid=host",
    "cat /proc/1/comm; ps -o args | grep -c [u]serns-remap; nsenter -t 1 -m -u -n -i hostname",
    wanted="tini\n0\n$(hostname)",
)
_HOST_NET = _inside(
    f"{_UNCONFINED} --net=host",
    """ls /sys/class/net | grep -Ev "^(lo|eth0|docker0|veth.*|br-.*)$"
  for p in {port} 22 8000; do nc -w 2 {host} $p </dev/null >/dev/null 2>&1 && echo "llega a $p"; done; echo dentro""",
)
_BIND_HOST = _inside(
    f"{_UNCONFINED} -v /:/outer --ipc=host --uts=host",
    """echo dentro
  ls -d /outer/var/lib/docker-intensivo /outer/run/docker-intensivo /outer/boot/vmlinuz* /outer/lib/modules/* 2>/dev/null; true""",
)
_SUBVOLUME = """perl -e 'for my $d ("/root", "/var/lib/docker", "/") { sysopen(D, $d, 0);
  for my $n (0x5000940e, 0x50009401, 0x50009417, 0x50009418) { my $a = pack("qZ4088", 0, "doctor"); my $r = ioctl(D, $n, $a);
    print $r ? "hecho en $d; " : "" ; print "errno ".($!+0)." en $d; " if !$r && $!+0 != 25; } } print "SIN"'""".replace("SIN", NOTHING)
_FAMILIES = """perl -e 'my %theirs = map { $_ => 1 } (1, 2, 10, 16);
for my $f (0 .. 45) { next if $theirs{$f};
  for my $t (1, 2, 3, 5) {
    socket(my $s, $f, $t, 0) and print("familia $f; "), last;
    socketpair(my $a, my $b, $f, $t, 0) and print("pareja $f; "), last } }
print "SIN"'""".replace("SIN", NOTHING)
_IDENTITY = each(
    f"""[ "$(awk 'NR == 1 {{ print $2 }}' /proc/self/uid_map)" -gt 0 ] || got 'el root es el de fuera'
[ "$(awk '{{ n += $3 }} END {{ print n }}' /proc/self/uid_map)" -le 65536 ] || got 'más de 65536 usuarios'
touch /tmp/doctor-mine; chown 70000 /tmp/doctor-mine 2>/dev/null && got 'un fichero de otro'; rm -f /tmp/doctor-mine
perl -e 'pipe(my $r, my $w); my $p = fork; if (!$p) {{ syscall({syscalls.number("unshare")}, 0x10000000); syswrite $w, "."; sleep 5; exit }}
  sysread $r, my $x, 1; open(my $m, ">", "/proc/$p/uid_map"); my $n = syswrite $m, "0 70000 1\\n"; kill 9, $p;
  exit !$n' && got 'un mapa con otro uid'
for f in $(find / -xdev -perm -4000 -type f 2>/dev/null); do [ "$(stat -c %u $f)" = 65534 ] && got "setuid de fuera: $f"; done"""
)
_TRACES = each(
    r"""tr '\0' '\n' </proc/1/environ | grep -qiE '^LAB_|secret|passw|token' && got 'el entorno del primer proceso'
for f in $(find / -xdev \( -name 'lab.sqlite3*' -o -name ca.key -o -name token.key -o -name server.key \
  -o -name demo-accounts.json \) 2>/dev/null); do got "$f"; done
for f in $(grep -rlsE 'BEGIN( [A-Z]+)? PRIVATE KEY' /etc /root /home /run 2>/dev/null); do got "$f"; done
awk '$5 != "/" && $4 ~ "docker-intensivo/[a-z]"' /proc/self/mountinfo | grep -q . && got 'una carpeta de la máquina montada'"""
)


def _of_x86() -> tuple[Attack, ...]:
    """Other processors have one table of calls."""
    if platform.machine() != "x86_64":
        return ()
    tried = "Hacer una llamada negada por las tablas de i386 y de x32"
    return (Attack("otras tablas", tried, _OTHER_TABLES, "el filtro mata al proceso", none),)


def escapes() -> tuple[Attack, ...]:
    return (
        Attack("discos", "Leer los discos de la máquina con mknod", _DEVICES, "ningún dispositivo se lee", none),
        Attack("montajes", "Montar los discos y las entrañas del núcleo", _MOUNTS, "ningún montaje", none),
        Attack("núcleo", "Abrir para escribir /proc/sys, sysrq y la memoria del núcleo", _OPEN_SYSCTLS, "ninguno se abre", none),
        Attack(
            "núcleo sin velos",
            "Quitar lo que tapa /proc y /sys y abrir lo que hay debajo",
            _UNMASKED,
            "ninguno se abre",
            none,
            seconds=60,
        ),
        Attack("dispositivos", "Encontrar dispositivos de la máquina o montajes que lleguen de ella", _SEEN_DEVICES, "ninguno", none),
        Attack(
            "llamadas",
            "Hacer las llamadas al sistema que el filtro niega (módulos, bpf, llaves…)",
            _SYSCALLS,
            f"errno {syscalls.FILTERED}; las de llaves, {syscalls.ABSENT}",
            none,
        ),
        *_of_x86(),
        Attack("familias", "Abrir sockets que no son de red: tramas, hipervisor, cifrado del núcleo", _FAMILIES, "ninguno se abre", none),
        Attack("procesos", "Ver o trazar procesos de la máquina", _PROCESSES, "ninguno a la vista", none),
        Attack("socket", "Encontrar el socket del motor del laboratorio", _SOCKETS, "ninguno a la vista", none),
        Attack("límites", "Subirse los límites por los cgroups", _CGROUP_LIMITS, "ningún límite se escribe", none),
        Attack("subvolúmenes", "Crear un subvolumen sin cuota", _SUBVOLUME, "errno 25", none),
        Attack("identidad", "Tener otro uid de fuera: mapas de usuarios propios y binarios setuid", _IDENTITY, "ninguno", none),
        Attack("rastros", "Leer secretos de la plataforma en el entorno, los montajes y los ficheros", _TRACES, "ninguno a la vista", none),
        Attack("contenedor suelto", "Salir con un contenedor sin restricciones", _UNCONFINED_PROBE, "no sale", none, seconds=60),
        Attack(
            "contenedor privilegiado",
            "Salir con docker run --privileged",
            _PRIVILEGED,
            "no arranca o no sale",
            says(f"{NOTHING}|el motor de dentro no puede"),
            seconds=60,
        ),
        Attack("pid=host", "Salir con docker run --pid=host", _HOST_PID, "solo ve el laboratorio", none, seconds=60),
        Attack("net=host", "Salir con docker run --net=host", _HOST_NET, "solo ve el laboratorio", none, seconds=60),
        Attack(
            "carpetas", "Salir con docker run -v /:/outer --ipc=host --uts=host", _BIND_HOST, "solo ve el laboratorio", none, seconds=60
        ),
    )

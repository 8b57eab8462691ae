"""What the doctor tries from inside a sandbox, as data: the attempt, its command, what must come of it.

Commands run in `sh` as the student's root. They say what they achieved in so many words, so that a judge
recognises a refusal by what it is and silence never counts as one. `{host}`, `{port}`, `{neighbour}` and `{limit}`
are filled in by the runner. Openings are tried without writing where a success could harm the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandboxes.doctor import syscalls

ANSWERS = 2.0
"""Seconds within which a neighbour must go on answering while it is attacked."""


@dataclass(frozen=True)
class Seen:
    """What came of an attack: its exit code and words; how the neighbour fared, if it was asked."""

    code: int
    said: str
    slowest: float = 0.0
    """The slowest of the neighbour's answers, in seconds."""
    neighbour_failed: str = ""
    """The first thing that the neighbour could not do, in its words; empty if it could everything."""


Judge = Callable[[Seen], bool]


def says(pattern: str) -> Judge:
    """It held if the attack's words match this, from their first to their last."""
    return lambda seen: re.fullmatch(pattern, seen.said.strip(), re.DOTALL) is not None


def counts(pattern: str, *, most: int) -> Judge:
    """It held if the number in the words is there, at least one, and no larger than `most`."""

    def judge(seen: Seen) -> bool:
        found = re.search(pattern, seen.said)
        return found is not None and 0 < int(found[1]) <= most

    return judge


def spared(judge: Judge) -> Judge:
    """It held if, besides, the neighbour did all it was asked in time."""
    return lambda seen: judge(seen) and not seen.neighbour_failed and seen.slowest <= ANSWERS


@dataclass(frozen=True)
class Attack:
    """One attempt. With `neighbour`, that command runs again and again in another sandbox while the attack lasts."""

    name: str
    tried: str
    command: str
    expected: str
    judge: Judge
    neighbour: str = ""
    seconds: float = 30


NOTHING = "sin éxito"
"""What a command says at its end if nothing it tried came off."""


def _each(attempts: str) -> str:
    """A script whose `got` notes a success; it says them all, or that there was none."""
    return f'out=; got() {{ out="$out $*"; }}\n{attempts}\necho "${{out:-{NOTHING}}}"'


_none = says(NOTHING)
_AT_REST = "docker ps -q"
_HOLD = 2
"""Seconds an exhausted resource is held, for the neighbour to need it."""

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

_SYSCALLS = (
    "perl -e 'my %c=("
    + ",".join(f"{name}=>[{number},{syscalls.expected(name)}]" for name, number in syscalls.refused().items())
    + "); for (sort keys %c) { my $r=syscall($c{$_}[0],0,0,0,0,0,0); my $e=$r<0?$!+0:0;"
    + ' print "$_ dio $e; " if $e!=$c{$_}[1]; } print "'
    + NOTHING
    + "\"'"
)

_DEVICES = _each(
    """for dev in 8:0 254:0 253:0 259:0 7:0 10:237 1:1 $(cat /sys/class/block/*/dev 2>/dev/null); do
  node=/tmp/doctor-node; rm -f $node
  if mknod $node b ${dev%:*} ${dev#*:} 2>/dev/null; then head -c 1 $node >/dev/null 2>&1 && got "leído $dev"; fi
  rm -f $node
  if mknod $node c ${dev%:*} ${dev#*:} 2>/dev/null; then head -c 1 $node >/dev/null 2>&1 && got "leído c $dev"; fi
done; rm -f /tmp/doctor-node"""
)
_MOUNTS = _each(
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
_PROCESSES = _each(
    """[ "$(cat /proc/1/comm)" = tini ] || got "el proceso 1 es $(cat /proc/1/comm)"
for dir in /proc/[0-9]*; do
  [ "$(stat -c %u $dir 2>/dev/null || echo 0)" = 65534 ] && got "se ve $(cat $dir/comm)"
done
ls /proc/1/root/etc/docker-intensivo >/dev/null 2>&1 && got 'se ve /etc/docker-intensivo'"""
)
_SOCKETS = _each(
    """for sock in $(find / -xdev -type s -name '*.sock' 2>/dev/null); do
  case $sock in */engine.sock | */redis.sock | */plugins/*) got "se ve $sock" ;; esac
  curl -s -m 2 --unix-socket $sock http://engine/containers/json?all=1 2>/dev/null | grep -q 'lab\\.id' && got "el motor de fuera: $sock"
done
grep -q docker-intensivo /proc/net/unix && got 'se ve un socket de fuera'"""
)
_CGROUP_LIMITS = _each(
    """write() { { [ -e "$1" ] && echo "$2" >"$1"; } 2>/dev/null && got "escrito $1"; }
limits() {
  for dir in "$1" "$1/memory" "$1/pids" "$1/cpu" "$1/cpu,cpuacct"; do
    write $dir/memory.limit_in_bytes 99999999999; write $dir/memory.max max; write $dir/pids.max max
    write $dir/cpu.cfs_quota_us -1; write $dir/cpu.max max; write $dir/cgroup.max.descendants max
  done
}
limits /sys/fs/cgroup
for file in $(find /sys/fs/cgroup -maxdepth 3 -name release_agent 2>/dev/null); do
  perl -MFcntl -e 'exit !sysopen(my $f, $ARGV[0], O_WRONLY)' $file && got "abierto $file"
done
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
_REACH = _each(
    """try() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && got "$1:$2"; }
for port in {port} 22 80 443 2375 5432 6379 8000; do try {host} $port; done
for address in 169.254.169.254 10.0.0.1 192.168.0.1 192.168.1.1 172.17.0.1 1.1.1.1; do try $address 80; try $address 443; done
gate=$(ip -4 route show default | awk '{ print $3 }'); for port in 22 80 2375 5432 6379 8000; do try $gate $port; done"""
)
_NEIGHBOUR_REACH = _each(
    """timeout 2 bash -c "exec 3<>/dev/tcp/{neighbour}/{port}" 2>/dev/null && got TCP
ping -c1 -W1 {neighbour} >/dev/null 2>&1 && got ping
ip route add {neighbour}/32 dev eth0 2>/dev/null
ping -c1 -W1 {neighbour} >/dev/null 2>&1 && got 'ping en la misma red'
ip neigh show {neighbour} | grep -q lladdr && got ARP
ip route del {neighbour}/32 dev eth0 2>/dev/null
own=$(ip -o -4 addr show eth0 | awk '{ print $4 }')
ip addr add {neighbour}/32 dev eth0 2>/dev/null && timeout 2 bash -c "exec 3<>/dev/tcp/10.122.0.1/5000" 2>/dev/null
ping -c1 -W1 -I {neighbour} 10.122.0.1 >/dev/null 2>&1 && got 'suplantar su dirección'
ip addr del {neighbour}/32 dev eth0 2>/dev/null; : $own"""
)
_RAW = (
    (
        """perl -MSocket -e '
use constant {{ PACKET => 17, ALL => 0x0300 }};
socket(my $s, PACKET, SOCK_RAW, ALL) or do {{ print "sin socket: $!"; exit }};
open(my $m, "<", "/sys/class/net/eth0/address"); chomp(my $mac = <$m>); open(my $i, "<", "/sys/class/net/eth0/ifindex"); my $n = <$i>+0;
my $own = join "", map {{ chr hex }} split /:/, $mac; my $to = inet_aton("{neighbour}");
my $arp = ("\\xff" x 6) . $own . pack("n", 0x0806) . pack("nnCCn", 1, 0x0800, 6, 4, 1) . $own . inet_aton("0.0.0.0") . ("\\0" x 6) . $to;
my $addr = pack("S n i S C C a8", PACKET, 0x0806, $n, 0, 0, 6, "\\xff" x 6);
send($s, $arp, 0, $addr) or print "no sale: $! ";
my $got = 0; my $end = time + 2;
while (time < $end) {{
  my $r = ""; vec($r, fileno($s), 1) = 1; last unless select($r, undef, undef, 1);
  recv($s, my $f, 2048, 0); $got++ if substr($f, 12, 2) eq pack("n", 0x0806) && substr($f, 28, 4) eq $to;
}}
print $got ? "respuestas $got" : "SIN";'"""
    )
    .replace("{{", "{")
    .replace("}}", "}")
    .replace("SIN", NOTHING)
)
_IPV6 = _each(
    """for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$f 2>/dev/null; done
ip -6 addr add fe80::d0c/64 dev eth0 nodad 2>/dev/null; ip -6 addr add fd00::d0c/64 dev eth0 nodad 2>/dev/null
ip -6 route add default dev eth0 2>/dev/null
mine=$(ip -6 -o addr show | awk '{ split($4, a, "/"); print a[1] }')
for from in $(ping -6 -c2 -W1 -I eth0 ff02::1 2>/dev/null | grep -o 'from [0-9a-f:]*[0-9a-f]' | awk '{ print $2 }' | sort -u); do
  echo "$mine" | grep -qx "$from" || got "contesta $from"
done
ping -6 -c1 -W1 fd00::1 >/dev/null 2>&1 && got 'contesta fd00::1'
for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 >$f 2>/dev/null; done"""
)
_UNCONFINED = "--cap-add ALL --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"


def _inside(options: str, script: str, *, wanted: str = "dentro") -> str:
    """Run a script in a container of the inner engine; anything but `wanted` is what it got. The script is in single quotes."""
    return _each(
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
_BAD_SOCKETS = """perl -e 'socket(my $s, 40, 1, 0) ? print "vsock " : 0; print "SIN"'""".replace("SIN", NOTHING)


def _exhaust(what: str, *, most: int, first: str = "") -> str:
    """Take descriptors of one kind until the kernel says no, say how many, and hold them for a while."""
    return f"""perl -e 'my @f; my $n=0; {first} while ($n<{most}) {{ {what} }} $|=1; print "tomados $n: ".($!+0)."\\n"; sleep {_HOLD};'"""


_INOTIFY = "ulimit -n $(ulimit -Hn); " + _exhaust(f"my $r=syscall({syscalls.number('inotify_init1')},0); last if $r<0; $n++;", most=20_000)
_INOTIFY_ONE = f"perl -e 'exit(syscall({syscalls.number('inotify_init1')},0)<0 ? 1 : 0)'"
_PTYS = "ulimit -n $(ulimit -Hn); " + _exhaust('open(my $f, "+<", "/dev/ptmx") or last; push @f, $f; $n++;', most=5_000)
_PTY_ONE = """perl -e 'open(my $f, "+<", "/dev/ptmx") or exit 1'"""
_AIO = _exhaust(
    f'my $c=pack("Q",0); if (syscall({syscalls.number("io_setup")},$q,$c)<0) {{ last if $q==1; $q=int($q/2) || 1; next }} $n+=$q;',
    most=200_000,
    first="my $q=16384;",
)
_AIO_ONE = f"""perl -e 'my $c=pack("Q",0); exit(syscall({syscalls.number("io_setup")},64,$c)<0 ? 1 : 0)'"""
_QUESTIONS = """perl -MIO::Socket::INET -MTime::HiRes=time -e '
my $s = IO::Socket::INET->new(PeerAddr => "10.122.0.1:53", Proto => "udp") or die; $s->blocking(0);
my ($n, $m, $end, $said) = (0, 0, time + 3);
my $take = sub { while (defined $s->recv($said, 512) && length $said) { $m++ } };
while (time < $end) {
  $n++ if defined $s->send(pack("n6", $n & 0xffff, 0x0100, 1, 0, 0, 0) . "\\x06espejo\\x03lab\\x00" . pack("nn", 1, 1)); $take->();
}
select(undef, undef, undef, 0.5); $take->(); print "preguntadas $n: contestadas $m";'"""
_QUESTION_ONE = "timeout 2 getent hosts espejo.lab"
_CONNECTIONS = f"""ulimit -n $(ulimit -Hn); perl -MIO::Socket::INET -e '
my @f; while (@f < 1500) {{ push @f, IO::Socket::INET->new(PeerAddr => "10.122.0.1:5000", Timeout => 2) || last }}
$| = 1; print "abiertas ".@f."\n"; sleep {_HOLD};'"""
_CONNECTION_ONE = "curl -sf -m 2 http://10.122.0.1:5000/v2/"
_CGROUPS = """base=$(find /sys/fs/cgroup -maxdepth 1 -name pids -o -maxdepth 1 -name cgroup.procs | head -1)
[ -d "$base" ] || base=/sys/fs/cgroup; mkdir -p $base/doctor; n=0
while [ $n -lt 1500 ] && mkdir $base/doctor/$n 2>/dev/null; do n=$((n + 1)); done
echo "creados $n"; rmdir $base/doctor/[0-9]* $base/doctor"""
_DISK = """said=$(dd if=/dev/zero of=/root/doctor-fill bs=4M count=1200 2>&1); rm -f /root/doctor-fill; echo "$said" | tail -n 4"""
_DISK_ONE = "dd if=/dev/zero of=/root/doctor-one bs=1M count=4 conv=fsync 2>&1 && rm /root/doctor-one"
_MEMORY = """for turn in 1 2; do
  perl -e 'open(my $o, ">", "/proc/self/oom_score_adj"); print $o 1000; close $o; my @a; push @a, "x" x 8000000 for 1..400;' 2>/dev/null
  echo "fin $?"
done"""
_FORKS = """perl -e '$n=0; my @p; while ($n<20000) { my $p=fork; last unless defined $p; if (!$p) { sleep 3; exit 0 } $n++; }
$e=$!+0; print "creados $n: $e\\n"; 1 while wait>0;'"""


def attacks() -> tuple[Attack, ...]:
    """Every attempt, in order: first what could get out, then what could take from the others."""
    return (
        Attack("discos", "Leer los discos de la máquina con mknod", _DEVICES, "ningún dispositivo se lee", _none),
        Attack("montajes", "Montar los discos y las entrañas del núcleo", _MOUNTS, "ningún montaje", _none),
        Attack("núcleo", "Abrir para escribir /proc/sys, sysrq y la memoria del núcleo", _OPEN_SYSCTLS, "ninguno se abre", _none),
        Attack(
            "llamadas",
            "Hacer las llamadas al sistema que el filtro niega (módulos, bpf, llaves…)",
            _SYSCALLS,
            f"errno {syscalls.FILTERED}; las de llaves, {syscalls.ABSENT}",
            _none,
        ),
        Attack("vsock", "Abrir un socket hacia el hipervisor", _BAD_SOCKETS, "ninguno se abre", _none),
        Attack("procesos", "Ver o trazar procesos de la máquina", _PROCESSES, "ninguno a la vista", _none),
        Attack("socket", "Encontrar el socket del motor del laboratorio", _SOCKETS, "ninguno a la vista", _none),
        Attack("límites", "Subirse los límites por los cgroups", _CGROUP_LIMITS, "ningún límite se escribe", _none),
        Attack("subvolúmenes", "Crear un subvolumen sin cuota", _SUBVOLUME, "errno 25", _none),
        Attack(
            "red", "Llegar a la web, la base de datos, Redis, la red local y los metadatos", _REACH, "todo rechazado", _none, seconds=90
        ),
        Attack("vecino", "Llegar al vecino: TCP, ping, ARP y su dirección", _NEIGHBOUR_REACH, "sin respuesta", _none),
        Attack("sockets crudos", "Preguntar por el vecino con tramas hechas a mano", _RAW, "sin respuesta", _none),
        Attack("IPv6", "Encontrar a alguien por IPv6", _IPV6, "sin respuesta", _none),
        Attack("contenedor suelto", "Salir con un contenedor sin restricciones", _UNCONFINED_PROBE, "no sale", _none, seconds=60),
        Attack(
            "contenedor privilegiado",
            "Salir con docker run --privileged",
            _PRIVILEGED,
            "no arranca o no sale",
            says(f"{NOTHING}|el motor de dentro no puede"),
            seconds=60,
        ),
        Attack("pid=host", "Salir con docker run --pid=host", _HOST_PID, "solo ve el laboratorio", _none, seconds=60),
        Attack("net=host", "Salir con docker run --net=host", _HOST_NET, "solo ve el laboratorio", _none, seconds=60),
        Attack(
            "carpetas", "Salir con docker run -v /:/outer --ipc=host --uts=host", _BIND_HOST, "solo ve el laboratorio", _none, seconds=60
        ),
        Attack(
            "inotify",
            "Agotar las instancias de inotify del uid común",
            _INOTIFY,
            "el vecino consigue la suya",
            spared(says(r"tomados \d+: .*")),
            neighbour=_INOTIFY_ONE,
            seconds=60,
        ),
        Attack(
            "terminales",
            "Agotar los pseudoterminales de la máquina",
            _PTYS,
            "el vecino abre el suyo",
            spared(says(r"tomados \d+: .*")),
            neighbour=_PTY_ONE,
            seconds=60,
        ),
        Attack(
            "aio",
            "Agotar las peticiones de E/S asíncrona de la máquina",
            _AIO,
            "el vecino consigue las suyas",
            spared(says(r"tomados \d+: .*")),
            neighbour=_AIO_ONE,
            seconds=60,
        ),
        Attack(
            "preguntas",
            "Inundar de preguntas el DNS del laboratorio",
            _QUESTIONS,
            "se contestan 200 por segundo y el vecino encuentra el espejo",
            spared(counts(r"contestadas (\d+)", most=2500)),
            neighbour=_QUESTION_ONE,
            seconds=60,
        ),
        Attack(
            "conexiones",
            "Agotar las conexiones del espejo",
            _CONNECTIONS,
            "200 como mucho y el vecino consigue la suya",
            spared(counts(r"abiertas (\d+)", most=200)),
            neighbour=_CONNECTION_ONE,
            seconds=60,
        ),
        Attack(
            "grupos",
            "Crear miles de cgroups",
            _CGROUPS,
            "el vecino contesta en 2 s",
            spared(counts(r"creados (\d+)", most=1500)),
            neighbour=_AT_REST,
            seconds=90,
        ),
        Attack(
            "disco",
            "Llenar el disco",
            _DISK,
            "lo para la cuota y el vecino escribe",
            spared(says(r".*(quota exceeded|No space left).*")),
            neighbour=_DISK_ONE,
            seconds=120,
        ),
        Attack(
            "memoria",
            "Tomar toda la memoria",
            _MEMORY,
            "muere quien la pide y el vecino contesta en 2 s",
            spared(says(r"(fin 137\s*){2}")),
            neighbour=_AT_REST,
            seconds=60,
        ),
        Attack(
            "bomba de procesos",
            "Crear procesos sin parar",
            _FORKS,
            "lo para su límite y el vecino contesta en 2 s",
            spared(counts(r"creados (\d+): 11", most=400)),
            neighbour=_AT_REST,
            seconds=60,
        ),
    )

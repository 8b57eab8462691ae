"""What a sandbox could take from the others: what the kernel counts for all of them, and the machine's own size."""

from __future__ import annotations

from sandboxes.doctor import syscalls
from sandboxes.doctor.attempt import HOLD, KILLED, NOTHING, Attack, Seen, counts, none, says, spared

_AT_REST = "docker ps -q"
CEILINGS = {"namespaces": 600, "signals": 4096, "inotify": 4096, "watches": 1 << 18}
"""What one sandbox may have: host/runtime/create.py's, which the platform does not import; a test compares them."""
_CALL = {name: syscalls.number(name) for name in syscalls.OTHERS}


def _exhaust(what: str, *, most: int, first: str = "") -> str:
    """Take descriptors of one kind until the kernel says no, say how many, and hold them for a while."""
    return f"""perl -e 'my @f; my $n=0; {first} while ($n<{most}) {{ {what} }} $|=1; print "tomados $n: ".($!+0)."\\n"; sleep {HOLD};'"""


_BECOME = f"syscall({_CALL['prctl']}, 28, 4, 0, 0, 0);"
"""In perl: keep root's capabilities whoever one becomes (PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)."""


def _by_several(what: str) -> str:
    """In perl: do it as three users of the sandbox, each of whom the kernel counts apart."""
    return f"{_BECOME} for my $user (0 .. 2) {{ syscall({_CALL['setresuid']}, $user, $user, $user); {what} }}"


_EACH_KIND = """for my $kind (sort keys %kinds) { for (1 .. 1500) {
  my $path = one($kind) // last; if ($path) { open(my $f, "<", $path) or last; push @held, $f } $taken{$kind}++ } }"""
_NAMESPACES = f"""ulimit -n $(ulimit -Hn); perl -e '
my %kinds = (mnt => 0x20000, uts => 0x4000000, ipc => 0x8000000, cgroup => 0x2000000, net => 0x40000000, time => 0x80, user => 0x10000000);
my (%taken, @held);
sub one {{
  my ($kind) = @_;
  if ($kind ne "user") {{
    return syscall({_CALL["unshare"]}, $kinds{{$kind}}) < 0 ? undef : "/proc/self/ns/$kind" . ($kind eq "time" ? "_for_children" : "");
  }}
  pipe(my $r, my $w); my $p = fork // return;
  if (!$p) {{ syswrite $w, "." unless syscall({_CALL["unshare"]}, $kinds{{user}}) < 0; close $w; sleep 9; exit }}
  close $w; my $made = sysread $r, my $x, 1; open(my $f, "<", "/proc/$p/ns/user"); kill 9, $p; waitpid $p, 0;
  return unless $made; push @held, $f; return "";
}}
{_by_several(_EACH_KIND)}
my ($most) = sort {{ $b <=> $a }} values %taken; $| = 1;
print join(", ", map {{ "$_ $taken{{$_}}" }} sort keys %taken), ": como mucho $most\\n"; sleep {HOLD};'"""
_NAMESPACE_ONE = "unshare --mount --uts --ipc --net --pid --cgroup --fork true"
_SIGNALS = _exhaust(f'my $t = pack("q", 0); last if syscall({_CALL["timer_create"]}, 0, 0, $t) < 0; $n++;', most=150_000)
_SIGNAL_ONE = f"""perl -e 'my $t = pack("q", 0); exit(syscall({_CALL["timer_create"]}, 0, 0, $t) < 0 ? 1 : 0)'"""
_INOTIFY = f"""ulimit -n $(ulimit -Hn); perl -e 'my $n = 0;
{_by_several(f"while ($n < 20000) {{ last if syscall({_CALL['inotify_init1']}, 0) < 0; $n++ }}")}
$| = 1; print "tomadas $n\\n"; sleep {HOLD};'"""
_INOTIFY_ONE = f"perl -e 'exit(syscall({_CALL['inotify_init1']}, 0) < 0 ? 1 : 0)'"
_WATCHES = f"""ulimit -n $(ulimit -Hn); perl -e 'my @files = split /\\0/, `find /usr -xdev -type f -print0 | head -z -n 3000`; my $n = 0;
OUT: for (1 .. 300) {{ my $i = syscall({_CALL["inotify_init1"]}, 0);
  for my $f (@files) {{ last OUT if syscall({_CALL["inotify_add_watch"]}, $i, $f, 2) < 0; $n++ }} }}
$| = 1; print "tomadas $n: ".($!+0)."\\n"; sleep {HOLD};'"""
_WATCH_ONE = (
    f"perl -e 'my $i = syscall({_CALL['inotify_init1']}, 0); "
    f"""my $d = "/etc"; exit(syscall({_CALL["inotify_add_watch"]}, $i, $d, 2) < 0 ? 1 : 0)'"""
)
_EPOLL = f"""ulimit -n $(ulimit -Hn); perl -e 'my ($n, @f) = (0);
while (@f < 5000) {{ pipe(my $r, my $w) or last; push @f, $r, $w }}
OUT: for (1 .. 200) {{ my $e = syscall({_CALL["epoll_create1"]}, 0);
  for (@f) {{ my $v = pack("Lq", 1, 0); last OUT if syscall({_CALL["epoll_ctl"]}, $e, 1, fileno($_), $v) < 0; $n++ }} }}
$| = 1; print "tomados $n: ".($!+0)."\\n"; sleep {HOLD};'"""
_EPOLL_ONE = f"""perl -e 'pipe(my $r, my $w); my $v = pack("Lq", 1, 0); my $e = syscall({_CALL["epoll_create1"]}, 0);
exit(syscall({_CALL["epoll_ctl"]}, $e, 1, fileno($r), $v) < 0 ? 1 : 0)'"""
_PTYS = "ulimit -n $(ulimit -Hn); " + _exhaust('open(my $f, "+<", "/dev/ptmx") or last; push @f, $f; $n++;', most=5_000)
_PTY_ONE = """perl -e 'open(my $f, "+<", "/dev/ptmx") or exit 1'"""
_AIO = _exhaust(
    f'my $c=pack("Q",0); if (syscall({_CALL["io_setup"]},$q,$c)<0) {{ last if $q==1; $q=int($q/2) || 1; next }} $n+=$q;',
    most=200_000,
    first="my $q=16384;",
)
_AIO_ONE = f"""perl -e 'my $c=pack("Q",0); exit(syscall({_CALL["io_setup"]},64,$c)<0 ? 1 : 0)'"""
_CGROUPS = """base=/sys/fs/cgroup/memory; [ -d $base ] || base=/sys/fs/cgroup; mkdir -p $base/doctor
perl -e '$| = 1; my ($base, $n) = ($ARGV[0], 0);
while ($n < 40000 && mkdir "$base/$n") { $n++; print "creados $n\\n" unless $n % 100 } print "creados $n: ".($!+0)."\\n";
rmdir "$base/$_" for 0 .. $n; rmdir $base;' $base/doctor"""
_QUEUES = f"""perl -e 'my $n = 0; while ($n < 500) {{ my $name = "doctor$$-$n";
  last if syscall({_CALL["mq_open"]}, $name, 0102, 0600, 0) < 0; syscall({_CALL["mq_unlink"]}, $name); $n++ }}
$| = 1; print "tomadas $n: ".($!+0)."\\n"; sleep {HOLD};'"""
_QUEUE_ONE = f"""perl -e 'my $name = "vecina$$"; exit 1 if syscall({_CALL["mq_open"]}, $name, 0102, 0600, 0) < 0;
syscall({_CALL["mq_unlink"]}, $name)'"""
# A struct msghdr with 253 descriptors, the most there may be in one message.
_UNDER_WAY = f"""perl -MSocket -e 'open(my $z, "<", "/dev/null"); my ($n, $body, @held) = (0, "x");
my $control = pack("Qii", 16 + 4 * 253, 1, 1) . pack("i*", (fileno $z) x 253) . "\\0" x 4; my $iov = pack("PQ", $body, 1);
my $message = pack("QLx4PQPQix4", 0, 0, $iov, 1, $control, length $control, 0);
for (1 .. 3000) {{ socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or last; push @held, $a, $b;
  $n += 253 while syscall({_CALL["sendmsg"]}, fileno $a, $message, MSG_DONTWAIT) > 0; last if $! == 109 }}
$| = 1; print "en camino $n: ".($!+0)."\\n"; sleep 30; print "todos siguen"'"""
_TCP = """perl -MSocket -e 'socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(0, INADDR_LOOPBACK)); listen($l, 1000);
my ($n, @held) = (0); for (1 .. 400) {
  socket(my $c, PF_INET, SOCK_STREAM, 0); setsockopt($c, SOL_SOCKET, SO_SNDBUF, 4 << 20); connect($c, getsockname $l) or last;
  accept(my $s, $l) or last; push @held, $c, $s; while (defined(my $sent = send($c, "x" x 65536, MSG_DONTWAIT))) { $n += $sent } }
$n >>= 20; print "guardados $n MB\\n"'; echo fin $?"""
_DISK = """said=$(dd if=/dev/zero of=/root/doctor-fill bs=4M count=1200 2>&1); rm -f /root/doctor-fill; echo "$said" | tail -n 4"""
_DISK_ONE = "dd if=/dev/zero of=/root/doctor-one bs=1M count=4 conv=fsync 2>&1 && rm /root/doctor-one"
_MEMORY = """for turn in 1 2; do
  perl -e 'open(my $o, ">", "/proc/self/oom_score_adj"); print $o 1000; close $o; my @a; push @a, "x" x 8000000 for 1..400;' 2>/dev/null
  echo "fin $?"
done"""
# A group of one's own has no limits but those above it; its process asks that nobody be killed for it.
_OWN_GROUP = """cd /sys/fs/cgroup; [ ! -d memory ] || cd memory; mkdir -p doctor
give() { { [ ! -e doctor/$1 ] || echo $2 >doctor/$1; } 2>/dev/null; }
for file in memory.limit_in_bytes memory.memsw.limit_in_bytes; do give $file -1; done; give memory.oom_control 1
for file in memory.max memory.high memory.swap.max; do give $file max; done; give memory.min 8G; give memory.low 8G
sh -c 'echo $$ >doctor/cgroup.procs && exec perl -e "push @a, q(x) x 8000000 for 1..400"'; echo "fin $?"; rmdir doctor"""
_FORKS = """perl -e '$n=0; my @p; while ($n<20000) { my $p=fork; last unless defined $p; if (!$p) { sleep 3; exit 0 } $n++; }
$e=$!+0; print "creados $n: $e\\n"; 1 while wait>0;'"""

# Before one's neighbours and the whole machine: by niceness, by real time, by the disk's queue.
_PRIORITY = f"""perl -e 'my $fifo = pack("i", 10);
print "niceness " if setpriority(0, 0, -10);
print "tiempo real " unless syscall({_CALL["sched_setscheduler"]}, 0, 1, $fifo) < 0;
print "memoria " if open(my $o, ">", "/proc/self/oom_score_adj") and syswrite $o, "-1000";
print "disco " unless syscall({_CALL["ioprio_set"]}, 1, 0, 1 << 13) < 0;
print "{NOTHING}"'"""
# Neighbours that are said to be there are kept for ever, and count in nobody's limit: half a kilobyte each.
_KERNEL_MEMORY = """ip link add doc0 type veth peer name doc1; ip link set doc0 up; ip link set doc1 up
perl -e 'for my $i (0 .. 2999999) {
  printf "neigh add 11.%d.%d.%d lladdr 02:00:00:00:00:01 dev doc0 nud permanent\n", $i >> 16, $i >> 8 & 255, $i & 255;
  print STDERR "puestos $i\n" unless $i % 50000 }' | ip -batch -; echo 'todos puestos'; ip link del doc0"""


def _is_stopped(seen: Seen) -> bool:
    """Whether the kernel refused what was written, or whoever wrote it was killed."""
    return says(r".*(quota exceeded|No space left).*")(seen) or (seen.code, seen.said) == (KILLED, "")


def _is_ended(seen: Seen) -> bool:
    """Whether somebody killed it all before it was through."""
    return seen.code == KILLED and "todos" not in seen.said


def _is_bounded(seen: Seen) -> bool:
    """Whether a few hundred megabytes were all, or whoever took more was killed."""
    return counts(r"guardados (\d+) MB", most=600)(seen) or "fin 137" in seen.said


def exhaustions() -> tuple[Attack, ...]:
    return (
        Attack(
            "espacios de nombres",
            "Crear miles de espacios de nombres de cada clase, como varios usuarios",
            _NAMESPACES,
            f"{CEILINGS['namespaces']} de cada una como mucho y el vecino consigue los suyos",
            spared(counts(r"como mucho (\d+)", most=CEILINGS["namespaces"])),
            neighbour=_NAMESPACE_ONE,
            seconds=120,
        ),
        Attack(
            "señales",
            "Agotar las señales en espera y los temporizadores",
            _SIGNALS,
            f"{CEILINGS['signals']} como mucho y el vecino consigue el suyo",
            spared(counts(r"tomados (\d+)", most=CEILINGS["signals"])),
            neighbour=_SIGNAL_ONE,
            seconds=60,
        ),
        Attack(
            "inotify",
            "Agotar las instancias de inotify, como varios usuarios",
            _INOTIFY,
            f"{CEILINGS['inotify']} como mucho y el vecino consigue la suya",
            spared(counts(r"tomadas (\d+)", most=CEILINGS["inotify"])),
            neighbour=_INOTIFY_ONE,
            seconds=60,
        ),
        Attack(
            "vigilancias",
            "Agotar los ficheros que vigila inotify",
            _WATCHES,
            f"{CEILINGS['watches']} como mucho y el vecino consigue la suya",
            spared(counts(r"tomadas (\d+)", most=CEILINGS["watches"])),
            neighbour=_WATCH_ONE,
            seconds=60,
        ),
        Attack(
            "epoll",
            "Agotar los descriptores que vigila epoll, que cuentan para el uid común",
            _EPOLL,
            "el vecino consigue el suyo",
            spared(says(r"tomados \d+: .*")),
            neighbour=_EPOLL_ONE,
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
            "colas",
            "Agotar los bytes de las colas de mensajes POSIX, que cuentan para quien hizo el motor",
            _QUEUES,
            "3 como mucho y el vecino consigue la suya",
            spared(counts(r"tomadas (\d+)", most=3)),
            neighbour=_QUEUE_ONE,
            seconds=60,
        ),
        Attack(
            "descriptores",
            "Dejar miles de descriptores a medio mandar, que cuentan para el uid común",
            _UNDER_WAY,
            "lo para el vigilante y el vecino contesta en 2 s",
            spared(_is_ended),
            neighbour=_AT_REST,
            seconds=60,
        ),
        Attack(
            "memoria de la red",
            "Llenar de datos sin leer las conexiones TCP de la máquina",
            _TCP,
            "cuenta para quien la pide: unas decenas de MB o muere, y el vecino contesta en 2 s",
            spared(_is_bounded),
            neighbour=_AT_REST,
            seconds=60,
        ),
        Attack(
            "disco",
            "Llenar el disco",
            _DISK,
            "lo para la cuota (sin btrfs, el vigilante) y el vecino escribe",
            spared(_is_stopped),
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
            "grupo propio",
            "Tomar toda la memoria desde un cgroup propio, sin límites y con la protección puesta",
            _OWN_GROUP,
            "muere quien la pide y el vecino contesta en 2 s",
            spared(says(r".*fin 137.*")),
            neighbour=_AT_REST,
            seconds=60,
        ),
        Attack(
            "prioridad", "Ponerse por delante de los demás en el procesador, en el disco y cuando falta memoria", _PRIORITY, "ninguna", none
        ),
        Attack(
            "memoria del núcleo",
            "Llenar la memoria del núcleo que no cuenta para nadie",
            _KERNEL_MEMORY,
            "lo para el vigilante y el vecino contesta en 2 s",
            spared(_is_ended),
            neighbour=_AT_REST,
            seconds=120,
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
        Attack(
            "grupos",
            "Crear miles de cgroups de memoria",
            _CGROUPS,
            "500 como mucho; con cgroups v1, lo para el vigilante; el vecino contesta en 2 s",
            spared(counts(r"(?s).*creados (\d+)", most=20_000)),
            neighbour=_AT_REST,
            seconds=90,
        ),
    )

"""What the doctor tries from inside a sandbox, as its root: data, one attack a row.

Each command is a shell script in the attacker; `{neighbour}` is another sandbox's address, `{host}` the lab's host as
sandboxes would see it. `holds` judges its output (standard output and error) and exit code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sandboxes.engine import ExecResult

Holds = Callable[[ExecResult], bool]


@dataclass(frozen=True)
class Attack:
    """One attempt. `seconds` bounds it; `then_neighbour` asks that the neighbour still works afterwards."""

    name: str | Promise
    command: str
    expected: str | Promise
    holds: Holds
    seconds: float = 30
    then_neighbour: str = ""


def _fails(result: ExecResult) -> bool:
    return result.code != 0


def _says(text: str) -> Holds:
    return lambda result: text in result.output.decode(errors="replace")


def _any(_result: ExecResult) -> bool:
    return True


def _silent(result: ExecResult) -> bool:
    return not result.output.strip()


EREMCHG, ENOSYS, ENOTTY = 78, 38, 25
"""The filter's own errnos: host/seccomp.py."""

DENIED_CALLS = {
    "open_by_handle_at": 304, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "fanotify_init": 300, "init_module": 175,
    "finit_module": 313, "delete_module": 176, "kexec_load": 246, "settimeofday": 164, "clock_settime": 227, "iopl": 172,
    "ioperm": 173, "reboot": 169, "syslog": 103, "acct": 163, "swapon": 167, "swapoff": 168, "quotactl": 179,
    "io_uring_setup": 425, "kcmp": 312, "pidfd_getfd": 438, "process_madvise": 440, "mbind": 237, "move_pages": 279,
}  # fmt: skip
"""Numbers on x86_64: asm/unistd_64.h. Called with arguments that no kernel would accept."""
KEY_CALLS = {"add_key": 248, "request_key": 249, "keyctl": 250}


def _errnos(calls: dict[str, int], wanted: int) -> str:
    """A script that names the calls which do not answer the filter's errno."""
    table = ",".join(f"{name},{number}" for name, number in calls.items())
    return (
        f'perl -e \'my %c=split /,/,"{table}"; '
        f'for (sort keys %c) {{ my $r=syscall($c{{$_}},-1,-1,-1,-1,-1); print "$_ " unless $r==-1 && $!=={wanted}; }}\''
    )


_DISKS = "'^(sd|vd|xvd|nvme|loop[0-9]|dm-|mem$|kmsg$)'"
_PORTS = "22 80 443 2375 5432 6379 8000 8080"
_CURL = "curl -s -o /dev/null -m 2 http://"

QUIET = (
    Attack(_("Abrir un disco del anfitrión con mknod"), "mknod /root/d b 254 0 && head -c 512 /root/d", _("denegado"), _fails),
    Attack(_("Ver discos del anfitrión en /dev"), f"ls /dev | grep -E {_DISKS}", _("ninguno"), _silent),
    Attack(_("Escribir en /proc/sys/kernel"), "echo x > /proc/sys/kernel/core_pattern", _("denegado"), _fails),
    Attack(_("Usar SysRq"), "echo h > /proc/sysrq-trigger", _("denegado"), _fails),
    Attack(_("Cambiar parámetros del núcleo en /sys"), "echo 1 > /sys/kernel/mm/ksm/run", _("denegado"), _fails),
    Attack(_("Llamadas al núcleo que el filtro niega"), _errnos(DENIED_CALLS, EREMCHG), _("todas con el error del filtro"), _silent),
    Attack(_("Agotar el llavero común (keyctl)"), _errnos(KEY_CALLS, ENOSYS), _("como si no existiera"), _silent),
    Attack(
        _("Crear un subvolumen btrfs fuera de la cuota"),
        "perl -e 'sysopen(D,\"/root\",0); my $a=pack(\"qZ4088\",0,\"sub\"); print ioctl(D,0x5000940e,$a) ? \"creado\" : $!+0'",
        _("denegado por el filtro"), _says(str(ENOTTY)),
    ),
    Attack(_("Ver procesos del anfitrión"), "ps ax -o comm= | grep -E '^(uvicorn|redis-server|celery|systemd)'", _("ninguno"), _silent),
    Attack(_("Encontrar el socket del motor del laboratorio"), "find / -xdev -name 'engine.sock' 2>/dev/null", _("nada"), _silent),
    Attack(
        _("Subir sus propios límites"),
        "cd /sys/fs/cgroup; if [ -d memory ]; then echo 99999999999 > memory/memory.limit_in_bytes; else echo max > memory.max; fi",
        _("denegado"), _fails,
    ),
    Attack(_("Llegar a otro laboratorio (ping)"), "ping -c 2 -W 1 {neighbour}", _("sin respuesta"), _fails),
    Attack(_("Llegar a otro laboratorio (TCP)"), f"{_CURL}{{neighbour}}:8099", _("rechazado"), _fails),
    Attack(_("Llegar a otro laboratorio (IPv6)"), "ping -6 -c 2 -W 1 ff02::1%eth0", _("sin respuesta"), _fails),
    Attack(
        _("Llegar a la web, la base de datos o Redis del anfitrión"),
        f"for p in {_PORTS}; do {_CURL}{{host}}:$p; test $? = 7 || echo $p; done", _("todo rechazado"), _silent,
    ),
    Attack(
        _("Llegar a los metadatos de la nube"), f"{_CURL}169.254.169.254/; test $? = 7 || echo abierto", _("rechazado"), _silent,
    ),
    Attack(
        _("Llegar a la red local o a internet"),
        f"for a in 10.0.0.1 192.168.0.1 1.1.1.1; do {_CURL}$a; test $? = 7 || echo $a; done", _("todo rechazado"), _silent,
    ),
    Attack(
        _("Un contenedor privilegiado dentro"),
        f"docker run --rm --privileged --pid host --net host busybox:1.37 sh -c \"ls /dev | grep -E {_DISKS}\" 2>/dev/null",
        _("no ve nada del anfitrión"), _silent, seconds=60,
    ),
)  # fmt: skip
"""Attempts to get out."""

LOUD = (
    Attack(
        _("Agotar inotify"), "perl -e 'my $n=0; $n++ while syscall(294,0)>=0 && $n<100000; print $n; sleep 4' & sleep 2",
        _("el vecino no lo nota"), lambda result: result.code == 0,
        then_neighbour="perl -e 'exit(syscall(294,0)>=0 ? 0 : 1)'",
    ),
    Attack(
        _("Miles de cgroups"),
        "cd /sys/fs/cgroup/pids 2>/dev/null || cd /sys/fs/cgroup; for i in $(seq 3000); do mkdir x$i || break; done; rmdir x*",
        _("el vecino no lo nota"), lambda result: result.code in (0, 1), seconds=60, then_neighbour="docker ps",
    ),
    Attack(
        _("Llenar el disco"), "dd if=/dev/zero of=/root/lleno bs=1M count=9000; s=$?; rm -f /root/lleno; exit $s",
        _("se acaba su cuota; el vecino escribe"), _fails, seconds=120,
        then_neighbour="dd if=/dev/zero of=/root/nota bs=1M count=20 && rm /root/nota",
    ),
    Attack(
        _("Acaparar la memoria"), "perl -e '$x=\"x\"x(4<<30)'", _("muere; el vecino responde"), _fails, seconds=60,
        then_neighbour="docker ps",
    ),
    Attack(
        _("Bomba de procesos"), "timeout 8 perl -e 'fork while 1' ; pkill -9 perl; true", _("topa con su límite; el vecino responde"),
        _any, seconds=40, then_neighbour="docker ps",
    ),
)  # fmt: skip
"""Attempts to harm the neighbours, the worst last."""

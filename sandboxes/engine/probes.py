"""Programs that look around inside a sandbox and change nothing, and how to read what they say.

They run in the student's machine, with its own perl, so what they say is as untrusted as its engine.
"""

from __future__ import annotations

from sandboxes.engine.facts import CannotObserve, FileFacts, ProcessFacts

TEXT = 16384
"""Bytes of a file that are read."""
# The new way of mounting takes at most 256 bytes an option: too few for the names of three layers.
_CLEAN = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LIBMOUNT_FORCE_MOUNT2=always"]

# ROOT PATH [LAYER…]: the file's facts, the names beside it and its beginning. Layers are mounted over one another
# in a mount namespace that ends with the program; the path is looked up from inside, so links can't lead out.
_LOOK = r"""
my ($root, $path, @layers) = @ARGV; my $fine = eval { require Time::HiRes; 1 };
if (@layers > 1) {
  $root = "/mnt";
  system("mount", "-t", "overlay", "overlay", "-o", "ro,lowerdir=" . join(":", @layers), $root) == 0 or exit 9;
} elsif (@layers) { $root = $layers[0] }
chroot $root or exit 9; chdir "/" or exit 9;
(my $dir = $path) =~ s{/[^/]*$}{}; my @near;
if (opendir(my $d, $dir || "/")) { while (defined(my $n = readdir $d)) { push @near, $n if $n !~ /^\.\.?$|[\n\/]/; last if @near > 200 } }
my @s = stat $path; my $kind = !@s ? "absent" : -f _ ? "file" : -d _ ? "dir" : "other"; my $owner = @s ? $s[4] : "";
if (@s && -f "/etc/passwd" && open(my $p, "<", "/etc/passwd")) {
  while (<$p>) { my @f = split /:/; if (@f > 2 && $f[2] eq $s[4]) { $owner = $f[0]; last } last if $. > 2000 }
}
my $text = ""; if ($kind eq "file" && open(my $f, "<", $path)) { read $f, $text, LIMIT }
$owner =~ s/\s//g;
my $when = sprintf "%.0f", 1000 * (@s ? ($fine ? (Time::HiRes::stat($path))[9] : $s[9]) : 0);
print join(" ", "lab", $kind, @s ? ($s[2] & 07777, $s[4], $when, $s[7]) : (0, 0, 0, 0), $owner), "\n", join("/", sort @near), "\n", $text;
"""

# PID: the processes that share its namespace, one a line: number inside, uid, owner, words.
_PROCESSES = r"""
my $first = shift; my $ns = readlink "/proc/$first/ns/pid" or exit 9; my %names;
if (-f "/proc/$first/root/etc/passwd" && open(my $p, "<", "/proc/$first/root/etc/passwd")) {
  while (<$p>) { my @f = split /:/; $names{$f[2]} //= $f[0] if @f > 2; last if $. > 2000 }
}
for my $dir (sort glob "/proc/[0-9]*") {
  next if (readlink("$dir/ns/pid") // "") ne $ns;
  my ($uid, $pid) = ("", ""); open(my $s, "<", "$dir/status") or next;
  while (<$s>) { $uid = $1 if /^Uid:\s+\d+\s+(\d+)/; $pid = $1 if /^NSpid:.*\s(\d+)$/ }
  open(my $c, "<", "$dir/cmdline") or next; read $c, my $words, 2000; $words =~ s/\0+$//; $words =~ s/[\n\t]/ /g; $words =~ s/\0/\t/g;
  my $owner = $names{$uid} // $uid; $owner =~ s/\s//g;
  print "lab\t$pid\t$uid\t$owner\t$words\n"; last if ++$count > 500;
}
"""

# NAME: the addresses that the engine's own name server gives, asked from inside a container's network.
_RESOLVE = r"""
use Socket; my $name = shift;
socket(my $s, PF_INET, SOCK_DGRAM, 17) or exit 9; connect($s, pack_sockaddr_in(53, inet_aton("127.0.0.11"))) or exit 9;
send($s, pack("nnnnnn", 7, 256, 1, 0, 0, 0) . join("", map { pack("C/a", $_) } split(/\./, $name)) . pack("Cnn", 0, 1, 1), 0) or exit 9;
my $r = ""; vec($r, fileno($s), 1) = 1; our $in; our $at = 12; $in = "" if !select($r, undef, undef, 3);
recv($s, $in, 512, 0) if !defined $in;
exit 9 if length($in) < 12; my $n = unpack("x6n", $in);
sub label { unpack("C", substr($in, $at, 1)) // 0 }
$at += 1 + label() while label(); $at += 5; print "lab";
while ($n-- > 0 && $at + 12 <= length $in) {
  if (label() >= 192) { $at += 2 } else { $at += 1 + label() while label(); $at++ }
  my ($type, $class, $ttl, $len) = unpack("nnNn", substr($in, $at, 10));
  print " " . inet_ntoa(substr($in, $at + 10, 4)) if $type == 1 && $len == 4; $at += 10 + $len;
}
"""

# ADDRESS PORT: whether somebody takes a connection, asked from inside a container's network.
_KNOCK = r"""
use Socket; my ($address, $port) = @ARGV; alarm 3; $SIG{ALRM} = sub { print "lab no"; exit };
socket(my $s, PF_INET, SOCK_STREAM, 6) or exit 9; print connect($s, pack_sockaddr_in($port, inet_aton($address))) ? "lab yes" : "lab no";
"""


def look(root: str, path: str, layers: list[str]) -> list[str]:
    return [*_CLEAN, "unshare", "-m", "perl", "-e", _LOOK.replace("LIMIT", str(TEXT)), root, path, *layers]


def looked(output: bytes) -> tuple[FileFacts | None, list[str]]:
    """The file, if it is there, and the names beside it."""
    head, near, text = [*output.split(b"\n", 2), b"", b""][:3]
    match head.decode(errors="replace").split(" "):
        case ["lab", "absent", *_]:
            return None, [name for name in near.decode(errors="replace").split("/") if name]
        case ["lab", ("file" | "dir" | "other") as kind, mode, uid, modified, size, owner]:
            facts = FileFacts(
                kind=kind,
                mode=number(mode),
                uid=number(uid),
                owner=owner,
                modified=number(modified),
                size=number(size),
                text=text[:TEXT].decode(errors="replace"),
            )
            return facts, [name for name in near.decode(errors="replace").split("/") if name]
        case _:
            raise CannotObserve("no se pueden leer los ficheros del laboratorio")


def within(places: list[str]) -> list[str]:
    """Prints the places that are a file or hold one; what locks leave behind does not count, nor do links."""
    look = (
        'for place; do [ -z "$(find "$place" -type f ! -name lock -print -quit 2>/dev/null)" ] || printf "%s\\n" "$place"; done; echo lab'
    )
    return [*_CLEAN, "sh", "-c", look, "lab", *places]


def processes(pid: int) -> list[str]:
    return [*_CLEAN, "perl", "-e", _PROCESSES, str(pid)]


def processes_seen(output: bytes) -> list[ProcessFacts]:
    found = []
    for line in output.decode(errors="replace").splitlines():
        match line.split("\t"):
            case ["lab", pid, uid, owner, *words]:
                found.append(ProcessFacts(pid=number(pid), uid=number(uid), owner=owner, words=words))
            case _:
                raise CannotObserve("no se pueden ver los procesos del laboratorio")
    return found


def resolve(pid: int, name: str) -> list[str]:
    return [*_CLEAN, "nsenter", "-t", str(pid), "-n", "perl", "-e", _RESOLVE, name]


def knock(pid: int, address: str, port: int) -> list[str]:
    return [*_CLEAN, "nsenter", "-t", str(pid), "-n", "perl", "-e", _KNOCK, address, str(port)]


def listening(pid: int) -> list[str]:
    return [*_CLEAN, "cat", f"/proc/{pid}/net/tcp", f"/proc/{pid}/net/tcp6"]


def listened(output: bytes) -> dict[int, bool]:
    """Ports on which something listens → whether it answers beyond the container's own loopback."""
    found: dict[int, bool] = {}
    for line in output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == "0A" and ":" in words[1]:
            address, _colon, port = words[1].rpartition(":")
            local = address.endswith("7F") or address == "00000000000000000000000001000000"
            found[int(port, 16)] = found.get(int(port, 16), False) or not local
    return found


def number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise CannotObserve("el laboratorio contestó algo que no se entiende")
    return int(text)

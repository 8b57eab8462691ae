"""What a sandbox may reach and ask over the network, and whether one can speak in the name of another."""

from __future__ import annotations

from sandboxes.doctor.attempt import HOLD, NOTHING, Attack, counts, each, none, says, spared

_REACH = each(
    """try() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && got "$1:$2"; }
for port in {port} 22 80 443 2375 5432 6379 8000; do try {host} $port; done
for address in 169.254.169.254 10.0.0.1 192.168.0.1 192.168.1.1 172.17.0.1 1.1.1.1; do try $address 80; try $address 443; done
gate=$(ip -4 route show default | awk '{ print $3 }'); for port in 22 80 2375 5432 6379 8000; do try $gate $port; done"""
)
_NEIGHBOUR_REACH = each(
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
_IPV6 = each(
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
$| = 1; print "abiertas ".@f."\n"; sleep {HOLD};'"""
_CONNECTION_ONE = "curl -sf -m 2 http://10.122.0.1:5000/v2/"
# The replies go to whom the questions seem to come from; what they would use up is that one's share.
_SPOOFED = """ip addr add {neighbour}/32 dev eth0; perl -MIO::Socket::INET -MTime::HiRes=time -e '
my $s = IO::Socket::INET->new(LocalAddr => "{neighbour}", PeerAddr => "10.122.0.1:53", Proto => "udp") or die "$!"; $s->blocking(0);
my ($n, $end, $q) = (0, time + 4, pack("n5", 0x0100, 1, 0, 0, 0) . "\\x06espejo\\x03lab\\x00" . pack("nn", 1, 1));
while (time < $end) { $n++ if defined $s->send(pack("n", $n & 0xffff) . $q) }
print "preguntadas $n\\n";'; ip addr del {neighbour}/32 dev eth0"""
_CHURN = """perl -MIO::Socket::INET -MTime::HiRes=time -e '
my ($n, $m, $end) = (0, 0, time + 4);
while (time < $end) { IO::Socket::INET->new(PeerAddr => "10.122.0.1:5000", Timeout => 1) ? $n++ : $m++ }
print "abiertas $n, rechazadas $m\\n";'"""
_STRANGERS = """ip route add 11.0.0.0/8 dev eth0; perl -MSocket -MTime::HiRes=time -e '
my ($n, $end, @s) = (0, time + 5); while (@s < 400) { socket(my $s, PF_INET, SOCK_DGRAM, 0) or die; push @s, $s }
while (time < $end) { send($_, "x", MSG_DONTWAIT, pack_sockaddr_in(9, pack("N", 0x0b000001 + $n++))) for @s }
print "buscadas $n\\n";'; ip route del 11.0.0.0/8 dev eth0"""
_STRANGER_ONE = "ip neigh flush dev eth0; curl -sf -m 2 http://10.122.0.1:5000/v2/"


def over_the_network() -> tuple[Attack, ...]:
    return (
        Attack("red", "Llegar a la web, la base de datos, Redis, la red local y los metadatos", _REACH, "todo rechazado", none, seconds=90),
        Attack("vecino", "Llegar al vecino: TCP, ping, ARP y su dirección", _NEIGHBOUR_REACH, "sin respuesta", none),
        Attack(
            "sockets crudos",
            "Preguntar por el vecino con tramas hechas a mano",
            _RAW,
            "no hay socket, o nadie responde",
            says(f"{NOTHING}|sin socket: Operation not permitted"),
        ),
        Attack("IPv6", "Encontrar a alguien por IPv6", _IPV6, "sin respuesta", none),
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
            "suplantación",
            "Gastar las preguntas del vecino con su dirección",
            _SPOOFED,
            "se tiran y el vecino encuentra el espejo",
            spared(says(r"preguntadas [1-9]\d*")),
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
            "conexiones breves",
            "Llenar de conexiones acabadas la tabla que las sigue",
            _CHURN,
            "50 por segundo (ráfagas de 300) y el vecino consigue la suya",
            spared(counts(r"abiertas (\d+)", most=700)),
            neighbour=_CONNECTION_ONE,
            seconds=60,
        ),
        Attack(
            "desconocidos",
            "Llenar la tabla de vecinos (ARP) del núcleo buscando a quien no está",
            _STRANGERS,
            "el vecino encuentra su puerta de enlace",
            spared(says(r"buscadas [1-9]\d*")),
            neighbour=_STRANGER_ONE,
            seconds=60,
        ),
    )

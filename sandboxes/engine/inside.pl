# Runs in a student's machine while a check looks at it: carries connections to the engine and runs commands, side by side.
# Each message, both ways, is "VERB NUMBER LENGTH\n" and LENGTH bytes; inside.py has the other end and gives the numbers.
#   comes:  engine N            a connection to the engine
#           run N               a command: user NUL word NUL word…
#           data N              bytes for the engine
#           close N             nobody waits for it any more
#   goes:   data N              bytes of the engine, or of a command's output and errors
#           end N               the connection is over; or the command, with its exit code
# It ends with its standard input, and so do the commands.
use strict;
use warnings;
use Socket;

my ($heard, %open, %pid, %left) = ("");
$SIG{CHLD} = sub { };    # so that select wakes up
$SIG{PIPE} = "IGNORE";

sub tell_back {
    my ($verb, $number, $bytes) = @_;
    return if $left{$number};
    my $message = "$verb $number " . length($bytes) . "\n$bytes";
    while (length $message) {
        my $count = syswrite STDOUT, $message;
        if (defined $count) { $message = substr $message, $count }
        elsif (!$!{EINTR}) { leave() }
    }
}

sub leave {
    kill TERM => map { -$_ } values %pid;
    exit;
}

sub dial {
    my $number = shift;
    socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or return tell_back("end", $number, "");
    if (connect $socket, sockaddr_un($ARGV[0])) { $open{$number} = $socket }
    else { tell_back("end", $number, "") }
}

sub begin {
    my ($number, $user, @words) = @_;
    my $pid = pipe(my $output, my $input) ? fork : undef;
    return tell_back("end", $number, 126) unless defined $pid;
    if ($pid) {
        ($open{$number}, $pid{$number}) = ($output, $pid);
        return;
    }
    setpgrp;
    $SIG{$_} = "DEFAULT" for qw(CHLD PIPE);
    open STDIN, "<", "/dev/null";
    open STDOUT, ">&", $input;
    open STDERR, ">&", $input;
    become($user) or exit 126;
    exec { $words[0] } @words or exit 127;
}

sub become {
    my ($name, $uid, $gid, $home) = (getpwnam shift)[0, 2, 3, 7] or return;
    return 1 if $uid == $>;
    my @groups;
    while (my @group = getgrent) { push @groups, $group[2] if grep { $_ eq $name } split / /, $group[3] }
    $) = join " ", $gid, $gid, @groups;
    $( = $gid;
    ($<, $>) = ($uid, $uid);
    $ENV{HOME} = $home;
    return $< == $uid && $> == $uid;
}

sub hear {
    my $count = sysread STDIN, $heard, 65536, length $heard;
    leave() unless $count || !defined $count && $!{EINTR};
    while ($heard =~ /\A(\w+) (\d+) (\d+)\n/ && length $heard >= $+[0] + $3) {
        my ($verb, $number, $body) = ($1, $2, substr $heard, $+[0], $3);
        $heard = substr $heard, $+[0] + $3;
        if ($verb eq "engine") { dial($number) }
        elsif ($verb eq "run") { begin($number, split /\0/, $body, -1) }
        elsif ($verb eq "data") { pass_on($open{$number}, $body) if $open{$number} }
        elsif ($verb eq "close") {
            # A command is heard to its end: what it still says would kill it before its time.
            $left{$number} = 1;
            $pid{$number} ? kill(TERM => -$pid{$number}) : delete $open{$number};
        }
    }
}

sub pass_on {
    my ($socket, $body) = @_;
    while (length $body) {
        my $count = syswrite $socket, $body;
        if (defined $count) { $body = substr $body, $count }
        elsif (!$!{EINTR}) { return }
    }
}

# Whether there was something.
sub carry {
    my $number = shift;
    my $count = sysread $open{$number}, my $bytes, 65536;
    if ($count) { tell_back("data", $number, $bytes) }
    elsif (defined $count || !$!{EINTR}) {
        delete $open{$number};
        tell_back("end", $number, "") unless $pid{$number};
    }
    return $count;
}

sub readable {
    my ($seconds, @files) = @_;
    my $bits = "";
    vec($bits, fileno $_, 1) = 1 for @files;
    return select($bits, undef, undef, $seconds) > 0 ? $bits : "";
}

sub reap {
    for my $number (keys %pid) {
        next unless waitpid($pid{$number}, 1) > 0;
        my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
        # What is still in the pipe; whom it leaves behind may hold that open for ever.
        for (1 .. 16) { last unless $open{$number} && readable(0, $open{$number}) && carry($number) }
        delete $open{$number};
        delete $pid{$number};
        tell_back("end", $number, $code);
    }
}

while (1) {
    my $ready = readable(%pid ? 0.2 : undef, \*STDIN, values %open);
    my @numbers = grep { vec($ready, fileno $open{$_}, 1) } keys %open;
    hear() if vec($ready, 0, 1);
    for my $number (@numbers) { carry($number) if $open{$number} }
    reap();
}

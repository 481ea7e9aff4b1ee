# The conversation of test_interop_clients.py over a message pipe, by Perl's sockets. Argument: the path.
use strict;
use warnings;
use Socket;

$| = 1;
socket(my $pipe, AF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!\n";
connect($pipe, pack_sockaddr_un($ARGV[0])) or die "connect: $!\n";
send($pipe, $_, 0) // die "send: $!\n" for 'one', '', 'x' x 60000;
for (1 .. 3) {
  recv($pipe, my $message, 1 << 16, 0) // die "recv: $!\n";
  printf "heard %d %s\n", length $message, substr($message, 0, 20);
}

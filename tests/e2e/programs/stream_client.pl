# The conversation of test_interop_clients.py over a byte pipe, by Perl's sockets. Argument: the path.
use strict;
use warnings;
use IO::Socket::UNIX;

$| = 1;
my $pipe = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!\n";
$pipe->autoflush(1);
print $pipe "hello\n";
my ($lines, $bytes) = (0, 0);
while (my $line = <$pipe>) {
  $lines++;
  $bytes += length $line;
  print "heard $line" if $lines <= 2;
  next if $lines != 2;
  my $child = fork() // die "fork: $!\n";
  next if $child;
  print $pipe 'x' x (1 << 20), "\n";
  print $pipe "line $_\n" for 0 .. 99;
  $pipe->shutdown(1);
  exit 0;
}
print "end after $lines lines, $bytes bytes\n";

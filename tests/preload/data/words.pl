# SPDX-License-Identifier: MIT
# Strings, hashes, arrays, sorting, regular expressions, closures, cycles, and children by fork.
use strict;
use warnings;
use List::Util qw(sum reduce shuffle);
use Data::Dumper;
use Scalar::Util qw(weaken);
use threads;

$Data::Dumper::Sortkeys = 1;
my $seed = 42;
sub chance { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % shift; }

# A text over a small alphabet, and its words counted.
my $text = join '', map { (map { chr(ord('a') + chance(6)) } 1 .. 2 + chance(5)), ' ' } 1 .. 150_000;
my %count;
$count{$1}++ while $text =~ /(\w+)/g;
my @common = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 19];
print scalar(keys %count), " words; $_=$count{$_}\n" for @common;

# Substitution that grows and shrinks one long string.
my $copy = $text;
my $changed = 0;
for my $word (@common[0 .. 9]) {
    $changed += ($copy =~ s/\b$word\b/<$word$word$word>/g);
    $changed += ($copy =~ s/<(\w+)>/substr $1, 0, 1/ge);
}
print "$changed changes, ", length $copy, " left, checksum ", unpack('%32C*', $copy), "\n";

# Nested structures, with cycles held by weak references.
my @trees = map {
    my $root = { name => "root $_", children => [] };
    for my $i (1 .. 50) {
        my $child = { name => "child $i", parent => $root, data => [ map { chance(1000) } 1 .. 20 ] };
        weaken $child->{parent};
        push @{ $root->{children} }, $child;
    }
    $root;
} 1 .. 400;
print sum(map { sum map { sum @{ $_->{data} } } @{ $_->{children} } } @trees), "\n";
splice @trees, 100, 250;
my $dump = Dumper([ @trees[90 .. 110] ]);
print length $dump, " ", unpack('%32C*', $dump), "\n";

# Closures and a table that is rebuilt in another order.
my @counters = map { my $n = $_; sub { $n += shift } } 1 .. 20_000;
print +(reduce { $a ^ $b } map { $_->(chance(100)) } @counters), "\n";
my %table = map { ("key $_" => [ $_, "value " x (1 + $_ % 9) ]) } 1 .. 60_000;
delete @table{ map { "key " . 3 * $_ } 1 .. 20_000 };
print scalar(keys %table), " ", sum(map { length $_->[1] } values %table), "\n";

# Children that go on with the heap they were forked with.
for my $child (1 .. 8) {
    pipe my $in, my $out or die;
    my $pid = fork // die;
    if (!$pid) {
        close $in;
        my %mine = map { ($_ => "$child " . $count{$_}) } grep { $count{$_} % 8 == $child - 1 } keys %count;
        %count = ();
        print {$out} scalar(keys %mine), " ", sum(map { length } values %mine), "\n";
        exit 0;
    }
    close $out;
    print "child $child: ", <$in>;
    waitpid $pid, 0;
    die "child $child: $?" if $?;
}

# Interpreter threads copy the whole of the data.
%table = ();
@counters = ();
my @workers = map {
    my $n = $_;
    threads->create(sub { my %own = map { (scalar reverse($_) => $n) } keys %count; return scalar keys %own });
} 1 .. 4;
print "threads: ", join(' ', map { $_->join } @workers), "\n";

# SPDX-License-Identifier: MIT
# A Perl program of hashes, split lines and regular expressions; reads text on standard input.
use strict;
use warnings;

my (%count, %follows, @lines);
while (my $line = <STDIN>) {
    chomp $line;
    push @lines, $line;
    my $last = '';
    for my $word (map { lc } $line =~ /(\w+)/g) {
        $count{$word}++;
        $follows{$last}{$word}++ if $last ne '';
        $last = $word;
    }
}
my @common = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 19];
print "$_ $count{$_} ", scalar(keys %{ $follows{$_} || {} }), "\n" for @common;

my @records = map { { length => length($_), text => $_, words => [split] } } @lines;
my @sorted = sort { $b->{length} <=> $a->{length} || $a->{text} cmp $b->{text} } @records;
my $joined = join ';', map { join '-', reverse @{ $_->{words} } } @sorted;
$joined =~ s/(\w)(\w*)/\u$1$2/g;
print length($joined), ' ', unpack('%32C*', $joined), "\n";

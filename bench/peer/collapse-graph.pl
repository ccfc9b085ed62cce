# Sums the time of each stack in text of function_graph: what a script would do without a package.
use strict;
use warnings;

my (%stacks, %total);
while (<STDIN>) {
    next unless /^\s*(\d+)\)\s+(?:[\$\@*#!+]\s+)?(?:([\d.]+) us\s+)?\|\s+(.*)$/;
    my ($cpu, $us, $text) = ($1, $2, $3);
    my $stack = $stacks{$cpu} //= [];
    if ($text =~ /^([\w.]+)\(\) \{/) {
        push @$stack, $1;
    } elsif ($text =~ /^([\w.]+)\(\);/) {
        $total{join(';', @$stack, $1)} += $us // 0;
    } elsif ($text =~ /^\}/) {
        $total{join(';', @$stack)} += $us // 0;
        pop @$stack;
    }
}
print "$_ $total{$_}\n" for sort keys %total;

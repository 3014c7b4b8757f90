<?php
// Closures, generators, classes, JSON, hashes, dates, regular expressions, files, sorting.
declare(strict_types=1);

interface Shape { public function area(): float; }
final class Circle implements Shape {
    public function __construct(private readonly float $radius) {}
    public function area(): float { return M_PI * $this->radius ** 2; }
}

function fibonacci(): Generator {
    [$a, $b] = [0, 1];
    while (true) {
        yield $a;
        [$a, $b] = [$b, $a + $b];
    }
}

foreach (fibonacci() as $i => $number) {
    if ($i == 12) break;
    echo $number, " ";
}
echo "\n", sprintf("area: %.6f", (new Circle(2.0))->area()), "\n";
echo json_encode(["list" => [1, 2.5, null, true], "text" => "käse"], JSON_PRETTY_PRINT | JSON_UNESCAPED_UNICODE), "\n";
echo "sha256: ", hash("sha256", str_repeat("unikernel ", 1000)), "\n";
echo "date: ", (new DateTimeImmutable("@0"))->setTimezone(new DateTimeZone("Europe/Berlin"))->format(DATE_ATOM), "\n";
echo preg_replace_callback("/\b(\w)(\w*)/u", fn ($m) => strtoupper($m[1]) . $m[2], "one two three"), "\n";
file_put_contents("/tmp/data", serialize(range(1, 1000)));
echo "sum: ", array_sum(unserialize(file_get_contents("/tmp/data"))), "\n";
$numbers = array_map(fn ($n) => $n * 7919 % 1009, range(1, 20000));
sort($numbers);
echo "sorted: ", $numbers[0], " ", $numbers[10000], " ", end($numbers), "\n";
echo ctype_alpha("abc") && function_exists("iconv") ? "extensions\n" : "";

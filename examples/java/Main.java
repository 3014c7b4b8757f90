// Compiled by the JIT while it runs; several threads, all with garbage for the collector.
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

public class Main {
    private static long mix(int rounds) {
        long sum = 0;
        for (int i = 0; i < rounds; i++) sum += i * 31L ^ sum;
        return sum;
    }

    private static long allocate(int seed) {
        long sum = 0;
        byte[][] kept = new byte[16][];
        for (int i = 0; i < 2000; i++) {
            byte[] block = new byte[64 * 1024];
            block[i % block.length] = (byte) (i + seed);
            kept[i % kept.length] = block;
            sum += block[i % block.length];
        }
        return sum;
    }

    public static void main(String[] args) throws Exception {
        System.out.println("Java " + Runtime.version().feature());
        System.out.println("mixed: " + mix(20_000_000));
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Callable<Long>> tasks =
            IntStream.range(0, 8).mapToObj(n -> (Callable<Long>) () -> allocate(n)).toList();
        long total = 0;
        for (var future : pool.invokeAll(tasks)) total += future.get();
        pool.shutdown();
        System.out.println("threads: " + total);
        System.out.println("words: " + List.of("b", "a", "c", "a").stream()
            .collect(Collectors.groupingBy(w -> w, java.util.TreeMap::new, Collectors.counting())));
        Path file = Files.writeString(Path.of("/tmp/text"), "unikernel ".repeat(1000));
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        System.out.println("sha256: " + HexFormat.of().formatHex(sha.digest(Files.readAllBytes(file))));
        System.out.println("date: " + DateTimeFormatter.ofPattern("EEEE d MMMM yyyy HH:mm", Locale.UK)
            .format(Instant.EPOCH.atZone(ZoneId.of("Europe/Berlin"))));
        System.out.println("collected: " + (java.lang.management.ManagementFactory
            .getGarbageCollectorMXBeans().stream().mapToLong(b -> b.getCollectionCount()).sum() > 0));
    }
}

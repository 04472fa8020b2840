// SPDX-License-Identifier: MIT
// Many threads whose work is outside Java's own heap: direct buffers, the native libraries behind
// compression and files, and the thread stacks, class tables and compiled code of the machine itself.
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

public class Threads {
    static final ConcurrentHashMap<Integer, ByteBuffer> exchange = new ConcurrentHashMap<>();

    static byte[] text(int seed, int length) {
        Random random = new Random(seed);
        byte[] made = new byte[length];
        for (int i = 0; i < length; i++)
            made[i] = (byte) ('a' + random.nextInt(1 + i % 26));
        return made;
    }

    static byte[] deflate(byte[] data, int level) {
        Deflater deflater = new Deflater(level);
        deflater.setInput(data);
        deflater.finish();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] part = new byte[4096];
        while (!deflater.finished())
            out.write(part, 0, deflater.deflate(part));
        deflater.end();
        return out.toByteArray();
    }

    static byte[] inflate(byte[] data, int length) throws Exception {
        Inflater inflater = new Inflater();
        inflater.setInput(data);
        byte[] back = new byte[length];
        for (int done = 0; done < length;)
            done += inflater.inflate(back, done, length - done);
        inflater.end();
        return back;
    }

    static String work(int id) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        Path file = Path.of("thread" + id);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE,
                StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int round = 0; round < 10; round++) {
                byte[] plain = text(id * 31 + round, 2000 + 997 * (id + round));
                byte[] packed = deflate(plain, 1 + round % 9);
                if (!java.util.Arrays.equals(inflate(packed, plain.length), plain))
                    throw new IllegalStateException("deflate and inflate do not agree");
                ByteBuffer direct = ByteBuffer.allocateDirect(packed.length);
                direct.put(packed).flip();
                channel.write(direct);
                direct.flip();
                digest.update(direct);
                exchange.put(id * 10 + round, direct);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static List<String> pool(int threads, int tasks) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        List<Future<String>> futures = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            int id = task;
            futures.add(executor.submit(() -> work(id)));
        }
        List<String> results = new ArrayList<>();
        for (Future<String> future : futures)
            results.add(future.get());
        executor.shutdown();
        return results;
    }

    // Threads that live for one small task each.
    static long crowd(int count) throws Exception {
        CRC32[] sums = new CRC32[count];
        Thread[] threads = new Thread[count];
        for (int i = 0; i < count; i++) {
            int id = i;
            threads[i] = new Thread(() -> {
                ByteBuffer direct = ByteBuffer.allocateDirect(1000 + id);
                while (direct.hasRemaining())
                    direct.put((byte) id);
                sums[id] = new CRC32();
                sums[id].update(direct.flip());
            });
            threads[i].start();
        }
        long all = 0;
        for (int i = 0; i < count; i++) {
            threads[i].join();
            all = all * 31 + sums[i].getValue();
        }
        return all;
    }

    public static void main(String[] arguments) throws Exception {
        for (String line : pool(64, 160))
            System.out.println(line);
        TreeMap<Integer, Integer> lengths = new TreeMap<>();
        exchange.forEach((key, buffer) -> lengths.put(key, buffer.limit()));
        System.out.println(lengths.hashCode() + " " + lengths.size());
        System.out.println(crowd(1000));
        exchange.clear();
        System.gc();
        System.out.println(crowd(500));
    }
}

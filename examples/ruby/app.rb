# Threads, fibers, big numbers, JSON, hashes, compression, files, regular expressions.
require "digest"
require "json"
require "set"
require "time"
require "zlib"

queue = Queue.new
workers = 4.times.map { |n| Thread.new { 100.times { |i| queue << n * 100 + i } } }
workers.each(&:join)
puts "queue: #{queue.size} #{queue.size.times.sum { queue.pop }}"

fibonacci = Fiber.new do
  a, b = 0, 1
  loop { Fiber.yield a; a, b = b, a + b }
end
puts "fibers: #{15.times.map { fibonacci.resume }.join(' ')}"
puts "factorial: #{(1..40).inject(:*)}"

text = "unikernel " * 5000
puts "deflate: #{Zlib::Inflate.inflate(Zlib::Deflate.deflate(text)) == text} #{Zlib.crc32(text)}"
puts "sha256: #{Digest::SHA256.hexdigest(text)}"
puts JSON.pretty_generate({ when: Time.at(0).utc.iso8601, set: Set[3, 1, 2].sort, nested: { pi: Math::PI } })

File.write("/tmp/words", "alpha beta\ngamma\n")
puts "words: #{File.foreach('/tmp/words').flat_map { |line| line.scan(/\w+/) }.map(&:capitalize)}"
GC.start

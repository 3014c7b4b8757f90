// Worker threads, streams, compression, hashes, files and timers.
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const { createHash } = require("crypto");
const { pipeline } = require("stream/promises");
const fs = require("fs");
const zlib = require("zlib");

function primesBelow(limit) {
    const sieve = new Uint8Array(limit);
    let count = 0;
    for (let i = 2; i < limit; i++) {
        if (sieve[i]) continue;
        count++;
        for (let j = i * 2; j < limit; j += i) sieve[j] = 1;
    }
    return count;
}

function inWorker(limit) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: limit });
        worker.on("message", resolve);
        worker.on("error", reject);
    });
}

async function main() {
    console.log("primes:", await Promise.all([1000, 10000, 100000].map(inWorker)));
    fs.writeFileSync("/tmp/text", "unikernel ".repeat(20000));
    await pipeline(fs.createReadStream("/tmp/text"), zlib.createGzip(), fs.createWriteStream("/tmp/text.gz"));
    const back = zlib.gunzipSync(fs.readFileSync("/tmp/text.gz"));
    console.log("sha256:", createHash("sha256").update(back).digest("hex"));
    console.log("2**200:", (2n ** 200n).toString());
    console.log("date:", new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" }).format(0));
    const started = process.hrtime.bigint();
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log("timer:", process.hrtime.bigint() - started >= 19_000_000n);
}

if (isMainThread) main();
else parentPort.postMessage(primesBelow(workerData));

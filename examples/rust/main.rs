// Threads, channels, locks, collections, files, errors and a caught panic.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn collatz(mut n: u64) -> u32 {
    let mut steps = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

fn main() -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    for part in 0..4u64 {
        let sender = sender.clone();
        thread::spawn(move || {
            let best = (part * 25_000 + 1..=(part + 1) * 25_000).max_by_key(|&n| collatz(n)).unwrap();
            sender.send((part, best, collatz(best))).unwrap();
        });
    }
    drop(sender);
    let mut found: Vec<_> = receiver.iter().collect();
    found.sort();
    println!("collatz: {:?}", found);

    let counter = Arc::new(Mutex::new(BTreeMap::new()));
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || for i in 0..1000 { *counter.lock().unwrap().entry((i + n) % 5).or_insert(0) += 1; })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    println!("counts: {:?}", counter.lock().unwrap());

    let mut file = fs::File::create("/tmp/lines")?;
    for i in 0..1000 { writeln!(file, "line {}", i)?; }
    println!("lines: {}", fs::read_to_string("/tmp/lines")?.lines().count());
    println!("missing: {}", fs::read("/tmp/none").unwrap_err().kind());
    let started = Instant::now();
    thread::sleep(Duration::from_millis(20));
    println!("slept: {}", started.elapsed() >= Duration::from_millis(20));
    let caught = thread::spawn(|| { std::panic::set_hook(Box::new(|_| ())); panic!("on purpose") }).join();
    println!("panic: {}", caught.is_err());
    Ok(())
}

// Goroutines, channels, the garbage collector, hashes, compression, files, timers, signals, an HTTP server and
// its clients.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"sync"
	"syscall"
	"time"
)

func sieve(limit int) int {
	composite := make([]bool, limit)
	count := 0
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		count++
		for j := i * 2; j < limit; j += i {
			composite[j] = true
		}
	}
	return count
}

// Eight clients at once ask a server of the same program, ten times each over kept connections.
func web() {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/square", func(out http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		var n int
		fmt.Sscan(string(body), &n)
		fmt.Fprint(out, n*n)
	})
	go http.Serve(listening, nil)
	var wait sync.WaitGroup
	var lock sync.Mutex
	sum := 0
	for client := 0; client < 8; client++ {
		wait.Add(1)
		go func(client int) {
			defer wait.Done()
			for i := 0; i < 10; i++ {
				question := bytes.NewBufferString(fmt.Sprint(client*10 + i))
				answer, err := http.Post("http://"+listening.Addr().String()+"/square", "text/plain", question)
				if err != nil {
					panic(err)
				}
				var n int
				fmt.Fscan(answer.Body, &n)
				answer.Body.Close()
				lock.Lock()
				sum += n
				lock.Unlock()
			}
		}(client)
	}
	wait.Wait()
	fmt.Println("http:", sum)
}

func main() {
	var wait sync.WaitGroup
	results := make(chan int, 100)
	for n := 1; n <= 100; n++ {
		wait.Add(1)
		go func(n int) {
			defer wait.Done()
			results <- sieve(n * 1000)
		}(n)
	}
	wait.Wait()
	close(results)
	all := []int{}
	for count := range results {
		all = append(all, count)
	}
	sort.Ints(all)
	fmt.Println("primes:", all[0], all[50], all[99])

	text := bytes.Repeat([]byte("unikernel "), 10000)
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	writer.Write(text)
	writer.Close()
	if err := os.WriteFile("/tmp/text.gz", packed.Bytes(), 0600); err != nil {
		panic(err)
	}
	file, _ := os.Open("/tmp/text.gz")
	reader, _ := gzip.NewReader(file)
	back, _ := io.ReadAll(reader)
	fmt.Printf("sha256: %x\n", sha256.Sum256(back))

	line, _ := json.Marshal(map[string]any{"list": []int{1, 2, 3}, "none": nil})
	fmt.Println(string(line))

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	select {
	case got := <-signals:
		fmt.Println("signal:", got)
	case <-time.After(10 * time.Second):
		fmt.Println("no signal")
	}
	web()
	for i := 0; i < 200; i++ {
		_ = make([]byte, 1<<20)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Println("collected:", memory.NumGC > 0)
}

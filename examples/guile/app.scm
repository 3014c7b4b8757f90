;; Tail calls, big numbers, continuations, threads, records, pattern matching.
(use-modules (ice-9 threads) (ice-9 match) (ice-9 format) (srfi srfi-1) (srfi srfi-9))

(define (factorial n) (let loop ((n n) (product 1)) (if (zero? n) product (loop (- n 1) (* n product)))))
(format #t "factorial: ~a~%" (factorial 50))
(format #t "threads: ~a~%" (par-map (lambda (n) (fold + 0 (iota n))) '(10 100 1000 100000)))

(define-record-type point (make-point x y) point? (x point-x) (y point-y))
(format #t "match: ~a~%"
        (map (match-lambda ((? point? p) (+ (point-x p) (point-y p))) ((a . rest) (list a (length rest))) (x x))
             (list (make-point 3 4) '(1 2 3) 'symbol)))

(define (first-negative list)
  (call/cc (lambda (return) (for-each (lambda (x) (if (negative? x) (return x))) list) #f)))
(format #t "call/cc: ~a ~a~%" (first-negative '(1 -2 3)) (first-negative '(1 2)))
(format #t "exact: ~a ~a~%" (/ 1 3) (exact->inexact 2/3))
(with-output-to-file "/tmp/text" (lambda () (write '(a "b" #\c 1.5))))
(format #t "file: ~s~%" (with-input-from-file "/tmp/text" read))

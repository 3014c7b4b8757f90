;; Compiled to machine code as it is loaded; threads, conditions, CLOS, big numbers, the collector.
(defgeneric area (shape))
(defclass square () ((side :initarg :side :reader side)))
(defclass circle () ((radius :initarg :radius :reader radius)))
(defmethod area ((s square)) (* (side s) (side s)))
(defmethod area ((c circle)) (* 3 (expt (radius c) 2)))
(format t "areas: ~a~%" (mapcar #'area (list (make-instance 'square :side 5) (make-instance 'circle :radius 2))))

(format t "2^200: ~a~%" (expt 2 200))
(let ((threads (loop for n below 4 collect
                 (let ((n n)) (sb-thread:make-thread (lambda () (loop for i below 100000 sum (mod (* i n) 7))))))))
  (format t "threads: ~a~%" (mapcar #'sb-thread:join-thread threads)))

(define-condition too-large (error) ((value :initarg :value :reader value)))
(format t "restart: ~a~%"
        (handler-bind ((too-large (lambda (c) (declare (ignore c)) (invoke-restart 'use-zero))))
          (restart-case (error 'too-large :value 42) (use-zero () 0))))

(loop repeat 200000 do (make-array 50))
(sb-ext:gc :full t)
(with-open-file (out "/tmp/text" :direction :output :if-exists :supersede) (print '(a "b" 1.5) out))
(format t "file: ~s~%" (with-open-file (in "/tmp/text") (read in)))

;; Turns UTF-8 whose characters are bytes into the bytes, less a mask, in place; gives how many they are.
(module
  (memory (export "m") 1)
  (func (export "d") (param $length i32) (param $mask i32) (result i32)
    (local $from i32) (local $to i32) (local $byte i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $from) (local.get $length)))
        (local.set $byte (i32.load8_u (local.get $from)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        ;; U+0080 to U+00FF are two bytes: the last two bits of the first and six of the second.
        (if (i32.gt_u (local.get $byte) (i32.const 127))
          (then
            (local.set $byte (i32.or (i32.shl (local.get $byte) (i32.const 6)) (i32.and (i32.load8_u (local.get $from)) (i32.const 63))))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))))
        (i32.store8 (local.get $to) (i32.xor (local.get $byte) (local.get $mask)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br $next)))
    (local.get $to)))

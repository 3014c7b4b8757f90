/* gdb.py as bytes of the tool. */
    .section .rodata
    .global gdb_script, gdb_script_end
gdb_script:
    .incbin "host/vmm/gdb.py"
gdb_script_end:
    .section .note.GNU-stack, "", @progbits

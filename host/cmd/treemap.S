/* The page that `orris size --html` fills in, as it is. */
    .section .rodata
    .globl treemap_page, treemap_page_end
treemap_page:
    .incbin "host/cmd/treemap.html"
treemap_page_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits

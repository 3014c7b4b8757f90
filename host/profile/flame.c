/*
 * A flame graph: each call is a bar as wide as its share of the samples, under its caller. The
 * file needs nothing else; with scripts allowed, a click widens a bar to the whole width.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/escape.h"
#include "host/profile/tree.h"

#define WIDTH 1200.0
#define ROW 17.0
#define TOP 36.0
#define LETTER 7.0   /* pixels */
#define VISIBLE 0.25 /* narrower bars are left out */
#define DEPTH_MAX 1024u

struct graph {
    struct buf *out;
    double total, height;
    unsigned depth;
    double next[DEPTH_MAX + 2]; /* where the next bar of a row begins */
};

static void add_text(struct buf *out, const char *name, size_t limit)
{
    char *text = escape(name); /* XML has no controls */
    for (size_t i = 0; text[i] && i < limit; i++) {
        switch (text[i]) {
        case '<':
            buf_string(out, "&lt;");
            break;
        case '&':
            buf_string(out, "&amp;");
            break;
        case '"':
            buf_string(out, "&quot;");
            break;
        default:
            buf_add(out, text + i, 1);
        }
    }
    free(text);
}

static void measure_depth(void *context, const struct call *call, unsigned depth)
{
    struct graph *graph = context;
    (void)call;
    if (depth > graph->depth && depth <= DEPTH_MAX)
        graph->depth = depth;
}

/* The kernel's bars are blue, others go from yellow to red, each function's always the same. */
static void add_colour(struct buf *out, const char *name)
{
    unsigned hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    if (strstr(name, " (kernel)"))
        buf_printf(out, "hsl(%u,60%%,%u%%)", 200 + hash % 25, 68 + hash / 32 % 10);
    else
        buf_printf(out, "hsl(%u,85%%,%u%%)", 15 + hash % 38, 60 + hash / 64 % 10);
}

static void add_bar(struct graph *graph, const char *name, uint64_t samples, double x, double width,
                    unsigned depth)
{
    struct buf *out = graph->out;
    double y = TOP + depth * ROW;
    buf_printf(out, "<g data-x=\"%.4f\" data-w=\"%.4f\" data-d=\"%u\" data-n=\"", x, width, depth);
    add_text(out, name, SIZE_MAX);
    buf_printf(out, "\"><title>");
    add_text(out, name, SIZE_MAX);
    buf_printf(out,
               ": %llu samples, %.2f %%</title><rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
               "height=\"%.1f\" fill=\"",
               (unsigned long long)samples, 100.0 * (double)samples / graph->total, x, y, width,
               ROW - 1);
    add_colour(out, name);
    buf_printf(out, "\"/><text x=\"%.2f\" y=\"%.1f\">", x + 3, y + 12);
    size_t letters = width > 3 * LETTER ? (size_t)((width - 6) / LETTER) : 0;
    add_text(out, name, letters);
    buf_string(out, "</text></g>\n");
}

static void draw_call(void *context, const struct call *call, unsigned depth)
{
    struct graph *graph = context;
    if (depth > DEPTH_MAX)
        return;
    double width = WIDTH * (double)call->all / graph->total;
    double x = graph->next[depth];
    graph->next[depth] = x + width;
    graph->next[depth + 1] = x;
    if (width >= VISIBLE)
        add_bar(graph, call->name, call->all, x, width, depth);
}

static const char script[] =
    "<script><![CDATA[\n"
    "const bars = [...document.querySelectorAll('g[data-n]')];\n"
    "function zoom(to) {\n"
    "  const [x, w, d] = [+to.dataset.x, +to.dataset.w, +to.dataset.d];\n"
    "  for (const bar of bars) {\n"
    "    const [bx, bw, bd] = [+bar.dataset.x, +bar.dataset.w, +bar.dataset.d];\n"
    "    const below = bd < d && bx <= x + 1e-3 && bx + bw >= x + w - 1e-3;\n"
    "    const inside = bd >= d && bx >= x - 1e-3 && bx + bw <= x + w + 1e-3;\n"
    "    bar.style.display = below || inside ? '' : 'none';\n"
    "    const left = below ? 0 : (bx - x) / w * 1200, wide = below ? 1200 : bw / w * 1200;\n"
    "    const [rect, text] = [bar.querySelector('rect'), bar.querySelector('text')];\n"
    "    rect.setAttribute('x', left); rect.setAttribute('width', wide);\n"
    "    text.setAttribute('x', left + 3);\n"
    "    text.textContent = wide > 21 ? bar.dataset.n.slice(0, (wide - 6) / 7) : '';\n"
    "  }\n"
    "}\n"
    "for (const bar of bars) bar.addEventListener('click', () => zoom(bar));\n"
    "]]></script>\n";

void flame_graph(const struct call *root, const char *title, struct buf *out)
{
    struct graph graph = {.out = out, .total = root->all ? (double)root->all : 1};
    call_walk(root, measure_depth, &graph);
    graph.height = TOP + (graph.depth + 1) * ROW + 10;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\">\n"
               "<style>text { font: 11.5px monospace; pointer-events: none } "
               "g:hover rect { stroke: #000 }</style>\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"#fffdf8\"/>\n"
               "<text x=\"10\" y=\"22\" style=\"font-size: 15px\">",
               WIDTH, graph.height, WIDTH, graph.height);
    add_text(out, title, SIZE_MAX);
    buf_string(out, "</text>\n");
    add_bar(&graph, "all", root->all, 0, WIDTH, 0);
    call_walk(root, draw_call, &graph);
    buf_string(out, script);
    buf_string(out, "</svg>\n");
}

/* A line on the terminal that shows how far a long step is. Nothing where standard error is no
 * terminal, and with -q. */
#pragma once

/* For a step that is usually short: nothing is shown before a second is over, nor anything where
 * there is no terminal. */
void progress_begin_late(const char *what);
void progress_begin(const char *what); /* copies; says "what ..." where there is no terminal */
void progress_set(double percent);
void progress_end(void); /* takes the line away */

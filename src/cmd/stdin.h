#pragma once

/* The first line of stdin without its end, at most 4 KiB; "" if there is none. */
char *stdin_line(void *mem);

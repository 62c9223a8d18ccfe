#include "cmd/stdin.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

char *stdin_line(void *mem)
{
	char line[4096];

	if (fgets(line, sizeof(line), stdin) == NULL)
		return mem_str(mem, "");
	line[strcspn(line, "\r\n")] = '\0';
	return mem_str(mem, line);
}

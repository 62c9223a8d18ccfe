#pragma once

/* Pattern for LIKE ... ESCAPE '!' that finds `part` anywhere, "" for NULL or "". */
const char *like_part(void *mem, const char *part);

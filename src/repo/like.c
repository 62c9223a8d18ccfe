#include "repo/like.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

const char *like_part(void *mem, const char *part)
{
	struct buf *b;

	if (text_empty(part))
		return "";
	b = buf_new(mem);
	buf_char(b, '%');
	for (; *part != '\0'; part++) {
		if (strchr("%_!", *part) != NULL)
			buf_char(b, '!');
		buf_char(b, *part);
	}
	buf_char(b, '%');
	return b->data;
}

#include "repo/ids.h"

#include "base/buf.h"
#include "base/mem.h"

void ids_bind(struct stmt *s, int n, const int64_t *ids, size_t nids)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "ids");
	struct buf *b = buf_new(tmp);

	buf_char(b, '[');
	for (size_t i = 0; i < nids; i++) {
		if (i)
			buf_char(b, ',');
		buf_int(b, ids[i]);
	}
	buf_char(b, ']');
	stmt_bind_textn(s, n, b->data, b->len);
}

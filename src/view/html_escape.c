#include "view/html.h"

/* One byte that needs escaping, as a reference; NULL for all others. */
static const char *reference(char ch)
{
	switch (ch) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void html_escape(struct buf *b, const char *s, size_t n)
{
	size_t i, from = 0;
	const char *ref;

	for (i = 0; i < n; i++) {
		/* all five are below '?'; letters are passed over quickly */
		if (s[i] > '>' || !(ref = reference(s[i])))
			continue;
		buf_add(b, s + from, i - from);
		buf_str(b, ref);
		from = i + 1;
	}
	buf_add(b, s + from, n - from);
}

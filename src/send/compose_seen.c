#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "send/check.h"
#include "send/compose_html.h"
#include "view/html_see.h"

/* Whether a mail shows what it must: judged by the mail, not by its source. */

/* Letters and digits only: line breaks and commas of an address may be written anyhow.
 */
static char *letters(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);

	for (; *s; s++)
		if (isalnum((unsigned char)*s) || (*s & 0x80))
			buf_char(b, (char)tolower((unsigned char)*s));
	return b->data;
}

bool content_shows_address(const struct content *c, const char *text)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "address");

	return text_empty(c->brand.postal_address) ||
	    strstr(letters(tmp, text), letters(tmp, c->brand.postal_address)) != NULL;
}

static bool has_link(const struct html_seen *seen, const char *url)
{
	for (size_t i = 0; i < seen->nlinks; i++)
		if (strcmp(seen->links[i], url) == 0)
			return true;
	return false;
}

/* One example's mail; what it lacks is set to false. */
static void look(struct fill *f, enum part_id part, struct buf *b,
    struct content_shown *shown)
{
	struct html_seen seen = { .text = "" };

	if (fill_part(f, part, false, b) != OK)
		return; /* told where the mail is tried */
	if (part == PART_HTML && html_see(f->mem, b->data, b->len, &seen) != OK)
		return;
	if (part == PART_HTML ? !has_link(&seen, f->unsubscribe)
			      : !strstr(b->data, f->unsubscribe))
		shown->link = false;
	if (!content_shows_address(f->c, part == PART_HTML ? seen.text : b->data))
		shown->address = false;
}

struct content_shown content_shows(struct content *c, enum part_id part)
{
	struct content_shown shown = { true, true };
	struct subscriber who[EXAMPLES];
	MEM_SCOPE void *tmp = mem_scope(NULL, "shown");

	example_people(tmp, c->brand_id, c->src.fields, c->src.nfields, who);
	for (int i = 0; i < EXAMPLES; i++) {
		struct fill f;

		fill_begin(&f, c, tmp, &who[i]);
		look(&f, part, buf_new(tmp), &shown);
	}
	return shown;
}

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "send/compose.h"
#include "send/content.h"
#include "view/html.h"

/*
 * An author's HTML: its links lie inside it and in order; compiled and filled, no mark
 * of ours is left, and every link of the mail is one that is stored.
 */
const size_t fuzz_max = 4000;

static const struct keyring keys = { .token = { 1, 2, 3 } };
static const struct brand brand = { .id = 3,
	.name = "B",
	.from_name = "B",
	.from_email = "news@b.example",
	.reply_to = "",
	.postal_address = "Quay 1",
	.time_zone = "UTC" };
static struct subscriber ann = { .id = 7,
	.email = "ann@x.example",
	.email_key = "ann@x.example",
	.first_name = "<1>\"'&",
	.last_name = "" };

static void links(void *mem, const char *s, size_t n)
{
	struct html_link *all;
	size_t count, last = 0;

	if (html_links(mem, s, n, &all, &count) != OK)
		return;
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(all[i].start <= all[i].end && all[i].end <= n);
		FUZZ_CHECK(all[i].start >= last);
		last = all[i].end;
	}
	html_to_text(mem, s, n);
	html_images_without_alt(s, n);
	FUZZ_CHECK(html_body_end(s, n) <= n);
}

static void mail(void *mem, const char *html)
{
	struct campaign c = { .id = 9,
		.brand_id = 3,
		.name = "C",
		.subject = "S",
		.html = html,
		.text = "",
		.preview_text = "",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.track_opens = true,
		.track_clicks = true };
	struct compose_source src = { .campaign = &c,
		.brand = &brand,
		.public_url = "https://m.example",
		.keys = &keys,
		.mode = COMPOSE_SEND,
		.now = 1000 };
	const struct compose_link *all;
	struct content *content;
	struct message m = { 0 };
	const char *why = NULL;
	size_t n;

	if (content_compile(mem, &src, &content) != OK)
		return;
	n = content_links(content, &all);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(all[i].number == (int)i + 1 && !text_empty(all[i].url));
	if (content_message(content, mem, &ann, &m, &why) != OK) {
		FUZZ_CHECK(!text_empty(why));
		return;
	}
	FUZZ_CHECK(
	    !memchr(m.html, MARK, m.html_len) && !memchr(m.text, MARK, m.text_len));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	links(mem, s, n);
	mail(mem, fuzz_text(mem, s, n));
}

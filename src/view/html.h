#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

void html_escape(struct buf *b, const char *s, size_t n); /* & < > " ' */

/*
 * A link of an author's HTML: bytes [start, end) of the source are the value of href
 * (without quotes).
 */
struct html_link {
	size_t start, end;
	const char *url;   /* decoded (entities), owned by mem */
	const char *label; /* visible text, alt of an image, or "" */
	int line;
};
/*
 * Finds the links (a, area) with gumbo's source offsets, so that everything else keeps
 * its bytes.  {{ ... }} inside an attribute is left as written.  mailto:, tel:, # and
 * unsubscribe placeholders are reported too; the caller chooses.
 */
enum err html_links(void *mem, const char *html, size_t len, struct html_link **out,
    size_t *n) MUST_CHECK;
/* Byte offset where a pixel or footer goes: before </body>, else the end. */
size_t html_body_end(const char *html, size_t len);
/*
 * Readable text of a mail: links as "label (url)", lists, headings, line ends; Liquid
 * tags kept.
 */
char *html_to_text(void *mem, const char *html, size_t len);
/* img elements without alt attribute: count, for the checklist. */
int html_images_without_alt(const char *html, size_t len);

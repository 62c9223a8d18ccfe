#include "view/liquid_parts.h"

#include <string.h>
#include <strings.h>

/*
 * Follows the HTML tokenizer far enough to know where in a page a value will stand:
 * between tags, in which attribute, in a script, in a comment.
 */

static bool is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f';
}

static bool is_alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static void name_start(struct place *p)
{
	p->n = 0;
	p->name[0] = '\0';
}

static void name_add(struct place *p, char ch)
{
	if (p->n + 1u < sizeof p->name) {
		p->name[p->n++] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
		p->name[p->n] = '\0';
	}
}

static bool listed(const char *const *list, const char *s)
{
	for (; *list; list++)
		if (strcmp(*list, s) == 0)
			return true;
	return false;
}

static enum place_element element_of(const struct place *p)
{
	static const char *const raw[] = { "script", "style", "title", "textarea" };
	static const enum place_element kinds[] = {
		ELEMENT_SCRIPT,
		ELEMENT_STYLE,
		ELEMENT_TITLE,
		ELEMENT_TEXTAREA,
	};
	size_t i;

	for (i = 0; !p->closing && i < 4; i++)
		if (strcmp(raw[i], p->name) == 0)
			return kinds[i];
	return ELEMENT_PLAIN;
}

static enum place_attr attr_of(const char *name)
{
	static const char *const urls[] = {
		"href",
		"src",
		"action",
		"formaction",
		"poster",
		"cite",
		"background",
		"data",
		"ping",
		"manifest",
		"xlink:href",
		"longdesc",
		"srcset",
		"usemap",
		"codebase",
		"hx-get",
		"hx-post",
		"hx-put",
		"hx-patch",
		"hx-delete",
		"hx-push-url",
		NULL,
	};

	if (listed(urls, name))
		return ATTR_URL;
	if (strcmp(name, "style") == 0)
		return ATTR_STYLE;
	if (strncmp(name, "on", 2) == 0 || strncmp(name, "hx-on", 5) == 0 ||
	    strcmp(name, "srcdoc") == 0 || strcmp(name, "hx-vals") == 0 ||
	    strcmp(name, "hx-headers") == 0)
		return ATTR_CODE;
	return ATTR_PLAIN;
}

static void tag_end(struct place *p)
{
	p->where = p->element == ELEMENT_PLAIN ? IN_TEXT : IN_RAW;
}

/* Inside a tag: one character. */
static void read_tag(struct place *p, char ch)
{
	if (ch == '>') {
		if (p->where == IN_TAG_NAME)
			p->element = element_of(p);
		tag_end(p);
	} else if (p->where == IN_TAG_NAME) {
		if (is_space(ch) || ch == '/') {
			p->element = element_of(p);
			p->where = IN_TAG;
		} else {
			name_add(p, ch);
		}
	} else if (p->where == IN_ATTR_NAME && ch == '=') {
		p->where = BEFORE_VALUE;
	} else if (p->where == AFTER_ATTR_NAME && ch == '=') {
		p->where = BEFORE_VALUE;
	} else if (is_space(ch)) {
		if (p->where == IN_ATTR_NAME)
			p->where = AFTER_ATTR_NAME;
	} else if (ch == '/') {
		p->where = IN_TAG;
	} else {
		if (p->where != IN_ATTR_NAME)
			name_start(p);
		p->where = IN_ATTR_NAME;
		name_add(p, ch);
	}
}

static void value_start(struct place *p, char quote)
{
	p->attr = attr_of(p->name);
	p->quote = quote;
	p->where = quote ? IN_VALUE : IN_UNQUOTED;
	p->settled = p->watched = false;
	name_start(p);
}

static bool scheme_allowed(const char *s, size_t n)
{
	static const char *const allowed[] = {
		"http",
		"https",
		"mailto",
		"tel",
		"sms",
		"ftp",
		"geo",
		"maps",
		"webcal",
		"whatsapp",
		"cid",
		"xmpp",
	};
	size_t i;

	for (i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		if (strlen(allowed[i]) == n && strncasecmp(allowed[i], s, n) == 0)
			return true;
	return false;
}

/* A static character of a URL: its scheme may be known after it. */
static void read_url(struct place *p, char ch)
{
	if (p->settled || p->attr != ATTR_URL || (unsigned char)ch < ' ')
		return; /* browsers skip controls, and ours stand among them */
	if (ch == '/' || ch == '?' || ch == '#')
		p->settled = !memchr(p->name, '&', p->n);
	else if (ch == ':' && scheme_allowed(p->name, p->n))
		p->settled = true;
	else
		name_add(p, ch);
}

/* Bytes of s up to and with the text `mark`, or n. */
static size_t up_to(const char *s, size_t n, const char *mark, bool *found)
{
	const char *p = memmem(s, n, mark, strlen(mark));

	*found = p != NULL;
	return p ? (size_t)(p - s) + strlen(mark) : n;
}

/* Text of script, style, title, textarea up to its end tag. */
static size_t read_raw(struct place *p, const char *s, size_t n)
{
	static const char *const names[] = { "", "script", "style", "title",
		"textarea" };
	const char *name = names[p->element], *q = s, *end = s + n;
	size_t len = strlen(name);

	while ((q = memmem(q, (size_t)(end - q), "</", 2))) {
		q += 2;
		if ((size_t)(end - q) < len || strncasecmp(q, name, len) != 0)
			continue;
		q += len;
		if (q < end && is_alpha(*q))
			continue;
		p->where = IN_TAG;
		p->element = ELEMENT_PLAIN;
		p->closing = true;
		return (size_t)(q - s);
	}
	return n;
}

static size_t read_text(struct place *p, const char *s, size_t n)
{
	const char *q = memchr(s, '<', n);

	if (!q)
		return n;
	p->where = IN_TAG_OPEN;
	p->closing = false;
	name_start(p);
	return (size_t)(q - s) + 1;
}

/* After "<". */
static size_t read_open(struct place *p, const char *s, size_t n)
{
	if (n >= 3 && memcmp(s, "!--", 3) == 0) {
		p->where = IN_COMMENT;
		return n > 3 && s[3] == '>' ? 2 : 3;
	}
	if (*s == '!' || *s == '?') {
		p->where = IN_DECLARATION;
		return 1;
	}
	if (*s == '/' && !p->closing) {
		p->closing = true;
		return 1;
	}
	if (is_alpha(*s)) {
		p->where = IN_TAG_NAME;
		p->element = ELEMENT_PLAIN;
		return 0;
	}
	p->where = IN_TEXT;
	return 0;
}

static size_t read_value(struct place *p, const char *s, size_t n,
    enum place_event *event)
{
	size_t i;

	for (i = 0; i < n; i++) {
		bool unquoted_end = !p->quote && (is_space(s[i]) || s[i] == '>');

		if (!unquoted_end && s[i] != p->quote) {
			read_url(p, s[i]);
			continue;
		}
		if (p->attr == ATTR_URL)
			*event = PLACE_URL_END;
		p->where = IN_TAG;
		return p->quote ? i + 1 : i;
	}
	return n;
}

static size_t read_before(struct place *p, const char *s, enum place_event *event)
{
	if (is_space(*s))
		return 1;
	if (*s == '>') {
		tag_end(p);
		return 1;
	}
	value_start(p, *s == '"' || *s == '\'' ? *s : '\0');
	if (p->attr == ATTR_URL)
		*event = PLACE_URL;
	return p->quote ? 1 : 0;
}

size_t place_read(struct place *p, const char *s, size_t n, enum place_event *event)
{
	bool found;
	size_t i;

	*event = PLACE_NONE;
	switch (p->where) {
	case IN_TEXT: return read_text(p, s, n);
	case IN_RAW: return read_raw(p, s, n);
	case IN_TAG_OPEN: return read_open(p, s, n);
	case IN_COMMENT:
	case IN_DECLARATION:
		i = up_to(s, n, p->where == IN_COMMENT ? "-->" : ">", &found);
		if (found)
			p->where = IN_TEXT;
		return i;
	case IN_VALUE:
	case IN_UNQUOTED: return read_value(p, s, n, event);
	case BEFORE_VALUE: return read_before(p, s, event);
	default: read_tag(p, *s); return 1;
	}
}

void place_address(struct place *p, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] == LIQUID_ADDRESS || s[i] == LIQUID_ADDRESS_END)
			p->address = s[i] == LIQUID_ADDRESS;
}

bool place_same(const struct place *a, const struct place *b)
{
	if (a->address != b->address)
		return false;
	if (a->where != b->where || (a->where != IN_TEXT && a->element != b->element))
		return false;
	if (a->where == IN_VALUE || a->where == IN_UNQUOTED)
		return a->attr == b->attr && a->quote == b->quote &&
		    a->watched == b->watched;
	if (a->where == IN_ATTR_NAME || a->where == AFTER_ATTR_NAME ||
	    a->where == IN_TAG_NAME)
		return strcmp(a->name, b->name) == 0;
	return true;
}

static bool in_tag(const struct place *p)
{
	return p->where == IN_TAG_NAME || p->where == IN_TAG ||
	    p->where == IN_ATTR_NAME || p->where == AFTER_ATTR_NAME;
}

static enum place_element element_now(const struct place *p)
{
	return p->where == IN_TAG_NAME ? element_of(p) : p->element;
}

bool place_join(struct place *a, const struct place *b)
{
	a->settled = a->settled && b->settled;
	if (place_same(a, b))
		return true;
	if (a->address != b->address || !in_tag(a) || !in_tag(b) ||
	    element_now(a) != element_now(b))
		return false;
	/*
	 * <input {% if x %}checked{% endif %}>: if a name goes on here, it is one of
	 * code
	 */
	a->element = element_now(a);
	a->where = IN_ATTR_NAME;
	a->n = 2;
	memcpy(a->name, "on", 3);
	return true;
}

static enum escape value_escape(const struct place *p, const char **why)
{
	if (p->attr == ATTR_CODE)
		*why = "A value cannot stand in this attribute, which is code.";
	else if (p->attr == ATTR_URL && !p->settled && !p->watched)
		*why = "A value cannot stand in a link of this kind.";
	return p->attr == ATTR_STYLE ? ESC_CSS : ESC_ATTR;
}

enum escape place_escape(struct place *p, bool json, const char **why)
{
	*why = NULL;
	if (p->address)
		return ESC_ADDRESS;
	switch (p->where) {
	case IN_TEXT: return ESC_HTML;
	case IN_COMMENT: return ESC_ATTR;
	case IN_TAG_OPEN:
		/*
		 * "<" before a value is a text, not a tag, because the value is escaped
		 */
		*why = "A value cannot follow \"<\"; write &lt; for the sign.";
		return ESC_HTML;
	case IN_RAW:
		if (p->element == ELEMENT_STYLE)
			return ESC_CSS;
		if (p->element == ELEMENT_SCRIPT && !json)
			*why = "A value can stand in a script only through the filter "
			       "json.";
		return p->element == ELEMENT_SCRIPT ? ESC_SCRIPT : ESC_ATTR;
	case IN_VALUE: return value_escape(p, why);
	case IN_UNQUOTED:
	case BEFORE_VALUE:
		*why = "Put quotes around the value of this attribute.";
		return ESC_HTML;
	default:
		*why = "A value cannot stand inside a tag, except in the quotes of an "
		       "attribute.";
		return ESC_HTML;
	}
}

/* ---- the rendered URL ------------------------------------------------------------ */

/*
 * One character of an attribute value: &#58; and &colon; are read, the rest of & names
 * are not.
 */
static int url_char(const char **s, const char *end)
{
	const char *p = *s + 1;
	int ch = 0, base = 10;

	if (**s != '&')
		return (unsigned char)*(*s)++;
	if (end - p >= 6 && memcmp(p, "colon;", 6) == 0) {
		*s = p + 6;
		return ':';
	}
	if (p >= end || *p != '#') {
		*s = p;
		return '&';
	}
	p++;
	if (p < end && (*p == 'x' || *p == 'X')) {
		base = 16;
		p++;
	}
	for (; p < end && ch < 0x10000; p++) {
		int digit = *p >= '0' && *p <= '9' ? *p - '0'
		    : is_alpha(*p)                 ? (*p | 32) - 'a' + 10
						   : 99;

		if (digit >= base)
			break;
		ch = ch * base + digit;
	}
	*s = p < end && *p == ';' ? p + 1 : p;
	return ch;
}

bool url_harmless(const char *s, size_t n)
{
	const char *end = s + n;
	char scheme[24];
	size_t len = 0;
	int ch = 0;

	while (s < end && ch != ':') {
		ch = url_char(&s, end);
		if (ch == '/' || ch == '?' || ch == '#')
			return true;
		/* browsers skip white space and controls */
		if (ch <= ' ' || ch == ':')
			continue;
		if (len == sizeof scheme)
			scheme[0] = '?'; /* too long for one that is allowed */
		else
			scheme[len++] = (char)(ch < 127 ? ch : '?');
	}
	if (ch != ':')
		return true; /* a relative path */
	if (len == 4 && strncasecmp(scheme, "data", 4) == 0)
		return end - s > 10 && strncasecmp(s, "image/", 6) == 0 &&
		    strncasecmp(s + 6, "svg", 3) != 0;
	return scheme_allowed(scheme, len);
}

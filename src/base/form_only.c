#include "base/form.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	NAME_SHOWN = 60, /* bytes of a name that is told */
	FOLDED = 40,     /* bytes of a name that are compared */
	TOLD_MAX = 16,   /* unknown fields that are told at once */
	PREFIX_MIN = 3,
	FAR = 100,
};

/* The next word of *names, as far as its colon, in at most `size` bytes. */
static bool next_name(const char **names, char *out, size_t size)
{
	const char *s = *names + strspn(*names, " ");
	size_t n = strcspn(s, " :");

	if (*s == '\0')
		return false;
	*names = s + strcspn(s, " ");
	n = n < size ? n : size - 1;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

static bool among(const char *names, const char *name)
{
	char known[NAME_SHOWN];

	while (next_name(&names, known, sizeof(known)))
		if (strcmp(known, name) == 0)
			return true;
	return false;
}

/* ---- the nearest name ---- */

/* excludeLists, exclude-lists and exclude_lists are one. */
static size_t fold(const char *s, char *out)
{
	size_t n = 0;

	for (; *s != '\0' && n < FOLDED; s++)
		if (*s != '_' && *s != '-')
			out[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
	return n;
}

static int least(int a, int b, int c)
{
	int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters are put in, left out or changed (Levenshtein). */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
	int row[FOLDED + 1];

	for (size_t j = 0; j <= m; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		int corner = row[0];

		row[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			int above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1,
			    corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[m];
}

/* 0 for the same name in another dress; FAR if nobody would take one for the other. */
static int how_far(const char *sent, const char *known)
{
	char a[FOLDED], b[FOLDED];
	size_t n = fold(sent, a), m = fold(known, b), less = n < m ? n : m;
	int d;

	if (less >= PREFIX_MIN && memcmp(a, b, less) == 0)
		return n == m ? 0 : 1;
	d = distance(a, n, b, m);
	return d <= (less > PREFIX_MIN + 1 ? 2 : 1) && (size_t)d < less ? d + 1 : FAR;
}

/* The name in `names` that `sent` may have meant, in out; false: none. */
static bool nearest(const char *names, const char *sent, char *out, size_t size)
{
	char known[NAME_SHOWN];
	int best = FAR;

	while (next_name(&names, known, sizeof(known))) {
		int far = how_far(sent, known);

		if (far >= best)
			continue;
		best = far;
		memcpy(out, known, size);
	}
	return best < FAR;
}

/* ---- telling ---- */

/* "a, b, c" of "a:int! b:text c". */
static const char *listed(void *mem, const char *names)
{
	struct buf *b = buf_new(mem);
	char known[NAME_SHOWN];

	while (next_name(&names, known, sizeof(known)))
		buf_printf(b, "%s%s", b->len > 0 ? ", " : "", known);
	return b->data;
}

/* The name, not too long and not cut within a character. */
static const char *shown(void *mem, const char *name)
{
	size_t n = strlen(name);

	if (n <= NAME_SHOWN)
		return name;
	for (n = NAME_SHOWN; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;)
		n--;
	return mem_printf(mem, "%s…", mem_strn(mem, name, n));
}

static void refuse(struct form *f, const char *names, const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "form_only");
	const char *at = shown(tmp, name), *all = listed(tmp, names);
	char near[NAME_SHOWN];

	if (nearest(names, name, near, sizeof(near)))
		form_fail(f, at, "“%s” is not known here. Did you mean “%s”?", at,
		    near);
	else if (*all != '\0')
		form_fail(f, at, "“%s” is not known here. Known are: %s.", at, all);
	else
		form_fail(f, at, "“%s” is not known here: nothing is taken.", at);
}

bool form_only(struct form *f, const char *names, const char *silent)
{
	const struct form_file *file = form_files(f);
	int told = 0;

	json_object_object_foreach (form_values(f), name, value) {
		(void)value;
		if (among(names, name) || among(silent, name))
			continue;
		refuse(f, names, name);
		if (++told == TOLD_MAX)
			break;
	}
	for (; file != NULL && told < TOLD_MAX; file = file->next) {
		if (among(names, file->field))
			continue;
		refuse(f, names, file->field);
		told++;
	}
	return told == 0;
}

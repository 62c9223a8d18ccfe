#include "service/import_words.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const struct status_meaning plain = { .kind = STATUS_WORDS };

/* The place of a word, which may be a new one; WORDS_MAX when there is none left. */
static size_t place_of(struct import_words *w, void *mem, const char *cell)
{
	if (w->count > 0 && strcmp(w->text[w->last], cell) == 0)
		return w->last;
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->text[i], cell) == 0)
			return i;
	if (w->many || w->count == WORDS_MAX || strlen(cell) > WORD_BYTES_MAX)
		return WORDS_MAX;
	w->text[w->count] = mem_str(mem, cell);
	return w->count++;
}

void import_words_take(struct import_words *w, void *mem, const char *cell)
{
	size_t at;

	if (!*cell || (w->many && w->meaning.kind == STATUS_NONE))
		return;
	w->filled++;
	at = place_of(w, mem, cell);
	if (at < WORDS_MAX) {
		w->last = at;
		w->n[at]++;
		return;
	}
	w->many = true;
	if (w->meaning.kind != STATUS_NONE)
		w->rest[import_status_read(w->meaning, cell)]++;
}

void import_words_count(const struct import_words *w, struct status_meaning m,
    int64_t n[ROW_UNKNOWN + 1])
{
	memcpy(n, w->rest, sizeof(w->rest));
	for (size_t i = 0; i < w->count; i++)
		n[import_status_read(m, w->text[i])] += w->n[i];
}

/* A column of any name: nearly all of its words name a status, and one says "gone". */
static bool by_content(const struct import_words *w)
{
	int64_t known = 0;
	bool leaves = false;

	if (w->many)
		return false;
	for (size_t i = 0; i < w->count; i++) {
		if (!import_status_is_word(w->text[i]))
			continue;
		known += w->n[i];
		leaves |= import_status_leaves(import_status_read(plain, w->text[i]));
	}
	return leaves && known * 10 >= w->filled * 9;
}

bool import_words_are_status(const struct import_words *w)
{
	int64_t n[ROW_UNKNOWN + 1];

	if (w->meaning.kind == STATUS_NONE)
		return by_content(w);
	import_words_count(w, w->meaning, n);
	/* Texts of many kinds under such a name are something else */
	if (w->meaning.weak || w->many)
		return w->filled > 0 && n[ROW_UNKNOWN] * 2 < w->filled;
	return true;
}

struct json_object *import_words_json(void *mem, const struct import_words *w)
{
	struct json_object *o = json_obj(mem), *all = json_arr(mem),
			   *counts = json_obj(mem);
	int64_t n[ROW_UNKNOWN + 1];
	bool named = w->meaning.kind != STATUS_NONE;

	json_set_bool(o, "many", w->many);
	for (size_t i = 0; i < w->count && (named || !w->many); i++) {
		struct json_object *x = json_obj(mem);

		json_set_text(x, "word", w->text[i]);
		json_set_int(x, "n", w->n[i]);
		json_push(all, x);
	}
	import_words_count(w, named ? w->meaning : plain, n);
	for (int s = ROW_ACTIVE; s < ROW_UNKNOWN; s++)
		if (n[s])
			json_set_int(counts, import_status_name((enum row_status)s),
			    n[s]);
	json_set_int(counts, "unknown", n[ROW_UNKNOWN]);
	json_set(o, "words", all);
	json_set(o, "counts", counts);
	return o;
}

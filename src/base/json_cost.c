#include "base/json.h"

/*
 * Bytes that json-c 0.16 to 0.18 asks for, rounded up; t/base/json_cost.c measures
 * them.  A list or a table doubles when it is full, and is there twice while it grows.
 */
enum {
	COST_READER = 4096,
	COST_OBJECT = 1024, /* with a table of 16 */
	COST_LIST = 512,    /* with room for 32 */
	COST_NAME = 256,
	COST_VALUE = 160,
	COST_TEXT = 3, /* of the longest text, whose buffer doubles while it is read */
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The byte behind the text that begins at s[i], a quote. */
static size_t skip_text(const char *s, size_t n, size_t i)
{
	for (i++; i < n && s[i] != '"'; i++)
		i += s[i] == '\\';
	return i < n ? i + 1 : n;
}

struct json_cost json_cost(const char *s, size_t n)
{
	size_t objects = 0, lists = 0, names = 0, commas = 0, longest = 0, word = 0;
	struct json_cost c;

	for (size_t i = 0; i < n;) {
		size_t from = i;

		if (s[i] == '"') {
			i = skip_text(s, n, i);
			longest = larger(longest, i - from);
			continue;
		}
		objects += s[i] == '{';
		lists += s[i] == '[';
		names += s[i] == ':';
		commas += s[i] == ',';
		word = s[i] > '+' && s[i] != ',' && s[i] != ':' ? word + 1 : 0;
		longest = larger(longest, word);
		i++;
	}
	c.elements = objects + lists + commas + 1;
	c.bytes = COST_READER + objects * COST_OBJECT + lists * COST_LIST +
	    names * COST_NAME + c.elements * COST_VALUE + n + longest * COST_TEXT;
	return c;
}

size_t json_most(size_t n)
{
	if (n > JSON_MEMORY_MAX / JSON_TIMES)
		return JSON_MEMORY_MAX;
	return larger(n * JSON_TIMES, JSON_MEMORY_MIN);
}

#include "view/qr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { VERSIONS = 15, BYTES_MAX = 655, CHECK_MAX = 30, BLOCKS_MAX = 10, MASKS = 8 };

/* Level M, by version: bytes of correction in a block, and blocks (table 9). */
static const struct {
	uint8_t check, blocks;
} level_m[VERSIONS + 1] = { { 0, 0 }, { 10, 1 }, { 16, 1 }, { 26, 1 }, { 18, 2 },
	{ 24, 2 }, { 16, 4 }, { 18, 4 }, { 22, 4 }, { 22, 5 }, { 26, 5 }, { 30, 5 },
	{ 22, 8 }, { 22, 9 }, { 24, 9 }, { 24, 10 } };

struct making {
	struct qr *q;
	int version;
	bool fixed[QR_SIZE_MAX][QR_SIZE_MAX]; /* patterns and words about the code */
	uint8_t all[BYTES_MAX];               /* data and correction, in their order */
	int nall, ndata;
};

/* ---- how much there is room for ---- */

/* Centres of the alignment patterns lie in these rows and columns (annex E). */
static int alignments(int version, int at[4])
{
	static const uint8_t middle[VERSIONS + 1] = { [7] = 22,
		[8] = 24,
		[9] = 26,
		[10] = 28,
		[11] = 30,
		[12] = 32,
		[13] = 34,
		[14] = 26,
		[15] = 26 };
	static const uint8_t second[VERSIONS + 1] = { [14] = 46, [15] = 48 };
	int n = 0, last = 4 * version + 10;

	if (version == 1)
		return 0;
	at[n++] = 6;
	if (middle[version])
		at[n++] = middle[version];
	if (second[version])
		at[n++] = second[version];
	at[n++] = last;
	return n;
}

/* Bytes that the modules left by the patterns hold. */
static int bytes_of(int version)
{
	int at[4], size = 4 * version + 17, n = alignments(version, at);
	int used = 3 * 64 + 2 * (size - 16) + 31; /* finders, timing, format, the dot */

	if (n > 0)
		used += (n * n - 3) * 25 - 2 * (n - 2) * 5; /* on the timing: 5 twice */
	if (version >= 7)
		used += 36;
	return (size * size - used) / 8;
}

/* ---- correction: Reed-Solomon over GF(256), x^8 + x^4 + x^3 + x^2 + 1 ---- */

static uint8_t times(uint8_t a, uint8_t b)
{
	unsigned product = 0;

	for (int i = 7; i >= 0; i--) {
		product = (product << 1) ^ ((product >> 7) * 0x11d);
		product ^= ((b >> i) & 1u) * a;
	}
	return (uint8_t)product;
}

/* The remainder of data by the product of (x - 2^i), i below n. */
static void correction(const uint8_t *data, int len, int n, uint8_t *out)
{
	uint8_t divisor[CHECK_MAX] = { 0 }, root = 1;

	divisor[n - 1] = 1;
	for (int i = 0; i < n; i++, root = times(root, 2))
		for (int j = 0; j < n; j++)
			divisor[j] = (uint8_t)(times(divisor[j], root) ^
			    (j + 1 < n ? divisor[j + 1] : 0));
	memset(out, 0, (size_t)n);
	for (int i = 0; i < len; i++) {
		uint8_t factor = data[i] ^ out[0];

		memmove(out, out + 1, (size_t)n - 1);
		out[n - 1] = 0;
		for (int j = 0; j < n; j++)
			out[j] ^= times(divisor[j], factor);
	}
}

/* Blocks are sent interleaved: the first byte of each, the second of each ... */
static void interleave(struct making *m, const uint8_t *data)
{
	int blocks = level_m[m->version].blocks, check = level_m[m->version].check;
	int shorter = blocks - m->ndata % blocks, len = m->ndata / blocks;
	uint8_t extra[BLOCKS_MAX][CHECK_MAX] = { 0 };
	const uint8_t *from[BLOCKS_MAX];

	for (int i = 0; i < blocks; i++) {
		int n = len + (i >= shorter);

		from[i] = data;
		correction(data, n, check, extra[i]);
		data += n;
	}
	for (int j = 0; j <= len; j++)
		for (int i = j < len ? 0 : shorter; i < blocks; i++)
			m->all[m->nall++] = from[i][j];
	for (int j = 0; j < check; j++)
		for (int i = 0; i < blocks; i++)
			m->all[m->nall++] = extra[i][j];
}

/* Kind of data, length, bytes, end; then two bytes in turn to fill up. */
static void put_text(struct making *m, const char *text, size_t n)
{
	uint8_t data[BYTES_MAX] = { 0 };
	int at = 0;
	bool wide = m->version >= 10; /* a length of 16 bits, not 8 */
	uint8_t before = 0x40;

	if (wide)
		data[at++] = (uint8_t)(before | (n >> 12));
	before = (uint8_t)(wide ? (n >> 4) & 0xff : before | (n >> 4));
	data[at++] = before;
	before = (uint8_t)(n << 4);
	for (size_t i = 0; i < n; i++) {
		data[at++] = (uint8_t)(before | ((uint8_t)text[i] >> 4));
		before = (uint8_t)(text[i] << 4);
	}
	data[at++] = before;
	for (int i = 0; at < m->ndata; i++)
		data[at++] = i % 2 ? 0x11 : 0xec;
	interleave(m, data);
}

/* ---- patterns ---- */

static void fix(struct making *m, int row, int column, bool dark)
{
	if (row < 0 || column < 0 || row >= m->q->size || column >= m->q->size)
		return;
	m->q->dark[row][column] = dark;
	m->fixed[row][column] = true;
}

/* Rings around a centre: dark but where `light` has the bit of their distance. */
static void rings(struct making *m, int row, int column, int most, unsigned light)
{
	for (int y = -most; y <= most; y++)
		for (int x = -most; x <= most; x++) {
			int d = abs(x) > abs(y) ? abs(x) : abs(y);

			fix(m, row + y, column + x, !((light >> d) & 1));
		}
}

/* 18 bits about the version, at two corners (annex D). */
static void put_version(struct making *m)
{
	unsigned rest = (unsigned)m->version, word;

	for (int i = 0; i < 12; i++)
		rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
	word = ((unsigned)m->version << 12) | rest;
	for (int i = 0; i < 18; i++) {
		int near = m->q->size - 11 + i % 3, far = i / 3;

		fix(m, far, near, (word >> i) & 1);
		fix(m, near, far, (word >> i) & 1);
	}
}

/* 15 bits about level and mask, twice (annex C); M is 00. */
static void put_format(struct making *m, int mask)
{
	unsigned rest = (unsigned)mask, word;
	int size = m->q->size;

	for (int i = 0; i < 10; i++)
		rest = (rest << 1) ^ ((rest >> 9) * 0x537);
	word = (((unsigned)mask << 10) | rest) ^ 0x5412;
	for (int i = 0; i < 15; i++) {
		bool bit = (word >> i) & 1;
		int along = i < 6 ? i : i < 8 ? i + 1 : 14 - i;

		if (i < 8)
			fix(m, along, 8, bit);
		else
			fix(m, 8, i == 8 ? 7 : along, bit);
		if (i < 8)
			fix(m, 8, size - 1 - i, bit);
		else
			fix(m, size - 15 + i, 8, bit);
	}
	fix(m, size - 8, 8, true);
}

static void put_patterns(struct making *m)
{
	int size = m->q->size, at[4], n = alignments(m->version, at);

	for (int i = 0; i < size; i++) {
		fix(m, 6, i, i % 2 == 0);
		fix(m, i, 6, i % 2 == 0);
	}
	rings(m, 3, 3, 4, 1 << 4 | 1 << 2);
	rings(m, 3, size - 4, 4, 1 << 4 | 1 << 2);
	rings(m, size - 4, 3, 4, 1 << 4 | 1 << 2);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			bool corner = (i == 0 && (j == 0 || j == n - 1)) ||
			    (j == 0 && i == n - 1);

			if (!corner)
				rings(m, at[i], at[j], 2, 1 << 1);
		}
	put_format(m, 0);
	if (m->version >= 7)
		put_version(m);
}

/* ---- data ---- */

/* Up and down in columns two wide, from the right; column 6 is left out. */
static void put_data(struct making *m)
{
	int size = m->q->size, bit = 0;
	bool up = true;

	for (int right = size - 1; right > 0; right -= 2, up = !up) {
		if (right == 6)
			right = 5;
		for (int i = 0; i < 2 * size; i++) {
			int row = up ? size - 1 - i / 2 : i / 2, column = right - i % 2;

			if (m->fixed[row][column] || bit >= 8 * m->nall)
				continue;
			m->q->dark[row][column] =
			    (m->all[bit / 8] >> (7 - bit % 8)) & 1;
			bit++;
		}
	}
}

static bool flips(int mask, int y, int x)
{
	switch (mask) {
	case 0: return (x + y) % 2 == 0;
	case 1: return y % 2 == 0;
	case 2: return x % 3 == 0;
	case 3: return (x + y) % 3 == 0;
	case 4: return (x / 3 + y / 2) % 2 == 0;
	case 5: return x * y % 2 + x * y % 3 == 0;
	case 6: return (x * y % 2 + x * y % 3) % 2 == 0;
	default: return ((x + y) % 2 + x * y % 3) % 2 == 0;
	}
}

static void flip(struct making *m, int mask)
{
	for (int y = 0; y < m->q->size; y++)
		for (int x = 0; x < m->q->size; x++)
			if (!m->fixed[y][x] && flips(mask, y, x))
				m->q->dark[y][x] = !m->q->dark[y][x];
}

/* A row, or a column, has long runs of one colour. */
static int runs(const struct qr *q, int line, bool column)
{
	int cost = 0, run = 1;

	for (int i = 1; i <= q->size; i++) {
		bool same = i < q->size &&
		    (column ? q->dark[i][line] == q->dark[i - 1][line]
			    : q->dark[line][i] == q->dark[line][i - 1]);

		if (same) {
			run++;
			continue;
		}
		cost += run >= 5 ? run - 2 : 0;
		run = 1;
	}
	return cost;
}

/* How hard it would be to read (8.8.2; without its rule of false finders). */
static int cost_of(const struct qr *q)
{
	int cost = 0, dark = 0, all = q->size * q->size;

	for (int y = 0; y < q->size; y++) {
		cost += runs(q, y, false) + runs(q, y, true);
		for (int x = 0; x < q->size; x++) {
			dark += q->dark[y][x];
			if (y > 0 && x > 0 && q->dark[y][x] == q->dark[y - 1][x] &&
			    q->dark[y][x] == q->dark[y][x - 1] &&
			    q->dark[y][x] == q->dark[y - 1][x - 1])
				cost += 3;
		}
	}
	return cost + abs(dark * 20 - all * 10) / all * 10;
}

static void choose_mask(struct making *m)
{
	int best = 0, least = INT32_MAX;

	for (int mask = 0; mask < MASKS; mask++) {
		int cost;

		put_format(m, mask);
		flip(m, mask);
		cost = cost_of(m->q);
		flip(m, mask); /* back */
		if (cost < least) {
			least = cost;
			best = mask;
		}
	}
	put_format(m, best);
	flip(m, best);
}

enum err qr_make(const char *text, struct qr *out)
{
	struct making m = { .q = out };
	size_t n = strlen(text);
	int head;

	do {
		if (++m.version > VERSIONS)
			return ERR_TOO_LARGE;
		m.ndata = bytes_of(m.version) -
		    level_m[m.version].check * level_m[m.version].blocks;
		head = m.version >= 10 ? 3 : 2;
	} while ((size_t)m.ndata < n + (size_t)head);
	memset(out, 0, sizeof(*out));
	out->size = 4 * m.version + 17;
	put_patterns(&m);
	put_text(&m, text, n);
	put_data(&m);
	choose_mask(&m);
	return OK;
}

char *qr_path(void *mem, const struct qr *q, int edge)
{
	struct buf *b = buf_new(mem);

	for (int y = 0; y < q->size; y++)
		for (int x = 0, n = 1; x < q->size; x += n, n = 1) {
			if (!q->dark[y][x])
				continue;
			while (x + n < q->size && q->dark[y][x + n])
				n++;
			buf_printf(b, "M%d %dh%dv1h-%dz", x + edge, y + edge, n, n);
		}
	buf_str(b, "");
	return b->data;
}

#include "view/liquid_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

/* ---- arithmetic -------------------------------------------------------------------
 *
 * Fractions are added as decimals: 10.1 - 2.2 is 7.9.  A long double holds the shortest
 * decimal of a double closely enough for that.
 */

static long double decimal(struct value v)
{
	char s[64];

	if (v.type == VALUE_INT)
		return (long double)v.number;
	float_text(v.real, s, sizeof s);
	return strtold(s, NULL);
}

static struct value number(struct value v)
{
	struct value n;

	value_number(v, &n);
	return n;
}

static bool overflow(char op, int64_t a, int64_t b, int64_t *out)
{
	if (op == '+')
		return __builtin_add_overflow(a, b, out);
	if (op == '-')
		return __builtin_sub_overflow(a, b, out);
	return __builtin_mul_overflow(a, b, out);
}

static struct value arithmetic(struct call *c, char op)
{
	struct value a = number(c->in), b = number(c->args[0]);
	long double x, y;
	int64_t n;

	if (a.type == VALUE_INT && b.type == VALUE_INT &&
	    !overflow(op, a.number, b.number, &n))
		return value_int(n);
	x = decimal(a);
	y = decimal(b);
	return value_float((double)(op == '+' ? x + y : op == '-' ? x - y : x * y));
}

static struct value filter_plus(struct call *c)
{
	return arithmetic(c, '+');
}

static struct value filter_minus(struct call *c)
{
	return arithmetic(c, '-');
}

static struct value filter_times(struct call *c)
{
	return arithmetic(c, '*');
}

static bool divisor(struct call *c, struct value *b)
{
	*b = number(c->args[0]);
	if (b->type == VALUE_INT && b->number == 0)
		run_fail(c->run, "This divides by zero.");
	return !c->run->failed;
}

/* Whole numbers are divided downwards, as Liquid has it. */
static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q;

	if (b == -1)
		return a == INT64_MIN ? INT64_MAX : -a;
	q = a / b;
	return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static struct value filter_divided_by(struct call *c)
{
	struct value a = number(c->in), b;

	if (!divisor(c, &b))
		return value_nil();
	if (a.type == VALUE_INT && b.type == VALUE_INT)
		return value_int(floor_div(a.number, b.number));
	return value_float((double)(decimal(a) / decimal(b)));
}

static struct value filter_modulo(struct call *c)
{
	struct value a = number(c->in), b;
	long double m, y;

	if (!divisor(c, &b))
		return value_nil();
	if (a.type == VALUE_INT && b.type == VALUE_INT) {
		if (b.number == -1)
			return value_int(0);
		return value_int(a.number - floor_div(a.number, b.number) * b.number);
	}
	y = decimal(b);
	m = fmodl(decimal(a), y);
	return value_float((double)(m != 0 && (m < 0) != (y < 0) ? m + y : m));
}

static struct value filter_abs(struct call *c)
{
	struct value v = number(c->in);

	if (v.type == VALUE_FLOAT)
		return value_float(fabs(v.real));
	return v.number == INT64_MIN ? value_float(9223372036854775808.0)
				     : value_int(v.number < 0 ? -v.number : v.number);
}

static struct value bound(struct call *c, int sign)
{
	struct value a = number(c->in), b = number(c->args[0]);
	long double d = decimal(a) - decimal(b);

	return d * sign < 0 ? b : a;
}

static struct value filter_at_least(struct call *c)
{
	return bound(c, 1);
}

static struct value filter_at_most(struct call *c)
{
	return bound(c, -1);
}

static struct value whole(double d)
{
	return d >= -9e18 && d <= 9e18 ? value_int((int64_t)d) : value_float(d);
}

static struct value filter_ceil(struct call *c)
{
	struct value v = number(c->in);

	return v.type == VALUE_FLOAT ? whole(ceil(v.real)) : v;
}

static struct value filter_floor(struct call *c)
{
	struct value v = number(c->in);

	return v.type == VALUE_FLOAT ? whole(floor(v.real)) : v;
}

static struct value filter_round(struct call *c)
{
	struct value v = number(c->in);
	int64_t digits = 0;
	long double scale;

	if (c->count && !value_to_int(c->args[0], &digits))
		digits = 0;
	if (v.type == VALUE_INT)
		return v;
	if (digits <= 0)
		return whole(round(v.real));
	if (digits > 15)
		return v;
	scale = powl(10.0L, (long double)digits);
	return value_float((double)(roundl(decimal(v) * scale) / scale));
}

/* ---- for people ------------------------------------------------------------------ */

static struct value filter_count(struct call *c)
{
	struct buf *b = call_buf(c);
	int64_t n = 0;
	char *s;

	value_to_int(c->in, &n);
	s = text_count(b, n);
	buf_str(b, s);
	return call_built(c, b);
}

/* How many in a hundred; 0 of nothing. */
static double share(struct call *c)
{
	long double all = decimal(number(c->args[0]));

	return all > 0 || all < 0 ? (double)(decimal(number(c->in)) * 100 / all) : 0;
}

static struct value filter_share(struct call *c)
{
	struct buf *b = call_buf(c);

	buf_printf(b, "%.1f", share(c));
	return call_built(c, b);
}

static struct value filter_percent(struct call *c)
{
	struct buf *b = call_buf(c);

	double d = share(c);

	/* Rounding makes no nothing of something, and no all of a part. */
	if (d > 0 && d < 0.1)
		buf_str(b, "<0.1%");
	else
		buf_printf(b, "%.1f%%", d > 99.9 && d < 100 ? 99.9 : d);
	return call_built(c, b);
}

static struct value filter_bytes(struct call *c)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB", "PB" };
	struct buf *b = call_buf(c);
	int64_t n = 0;
	double d;
	size_t i = 0;

	value_to_int(c->in, &n);
	if (n > -1000 && n < 1000) {
		buf_printf(b, "%" PRId64 " bytes", n);
		return call_built(c, b);
	}
	for (d = (double)n / 1000; (d >= 999.95 || d <= -999.95) && i < 4; i++)
		d /= 1000;
	buf_printf(b, "%.1f %s", d, units[i]);
	return call_built(c, b);
}

const struct filter filters_number[] = {
	{ "abs", filter_abs, 0, 0, false },
	{ "at_least", filter_at_least, 1, 1, false },
	{ "at_most", filter_at_most, 1, 1, false },
	{ "bytes", filter_bytes, 0, 0, false },
	{ "ceil", filter_ceil, 0, 0, false },
	{ "count", filter_count, 0, 0, false },
	{ "divided_by", filter_divided_by, 1, 1, false },
	{ "floor", filter_floor, 0, 0, false },
	{ "minus", filter_minus, 1, 1, false },
	{ "modulo", filter_modulo, 1, 1, false },
	{ "percent", filter_percent, 1, 1, false },
	{ "plus", filter_plus, 1, 1, false },
	{ "round", filter_round, 0, 1, false },
	{ "share", filter_share, 1, 1, false },
	{ "times", filter_times, 1, 1, false },
	{ 0 },
};

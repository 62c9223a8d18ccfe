#include "base/pace.h"

void pace_took(struct pace *p, int64_t rows, int64_t us)
{
	int64_t fit;

	if (rows <= 0)
		return;
	/* half of the time is aimed at, so that one that is slower stays within it */
	fit = rows * (PACE_US / 2) / (us > 0 ? us : 1);
	if (fit > 2 * (int64_t)p->rows)
		fit = 2 * (int64_t)p->rows;
	/* a short rest of the work says nothing about more rows */
	if (rows < p->rows && fit > p->rows)
		return;
	p->rows = (int)(fit < p->least ? p->least : fit > p->most ? p->most : fit);
}

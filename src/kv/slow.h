#pragma once

#include "kv/kv.h"

/*
 * How far a shared rate is turned down, by key: halved whenever the other side asks for
 * it, at most once a second, down to a 32nd; it comes back by a half in two minutes.
 * All processes share it through the server; without one each has its own.
 */
/* The part of the rate to use now: 1.0 when nobody asked lately. */
double slow_part(struct kv *kv, const char *key, int64_t now_ms);
void slow_down(struct kv *kv, const char *key, int64_t now_ms);

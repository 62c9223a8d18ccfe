#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "base/err.h"

/*
 * One INI file; every key can be overridden by MAILLAYER_<SECTION>_<KEY>.  Unknown
 * sections and keys are errors with file and line, so that a typing mistake is not
 * silently ignored.
 */
struct config {
	const char *file;
	struct {
		/* as people reach it, no slash at the end */
		const char *public_url;
		const char *state_dir; /* database, spool, keys */
		/* templates, sql, assets as installed */
		const char *share_dir;
		const char *web_socket, *track_socket, *cron_socket;
		int web_workers, track_workers, cron_workers;
		/* budget of one cron request; stops claiming 10 % before */
		int slice_seconds;
		/* look for changed templates at each page (development) */
		bool reload_templates;
		/* a schedule missed by more waits for a person */
		int missed_hours;
	} server;
	struct {
		const char *url; /* sqlite:/path or postgresql://... */
	} database;
	struct {
		/* unix:/path or host:port, comma-separated; "" = none */
		const char *servers;
	} memcached;
	struct {
		/* sender of our own mails (reset, invitation); "" = the brand's */
		const char *system_from;
	} mail;
	struct {
		const char *url, *anon_key, *algorithm, *jwt_secret, *providers;
		/* where a browser finds it, `iss` of its tokens ("none": they have
		 * none) */
		const char *browser_url, *issuer;
		/* hosts of url that may be in a private network; roots to trust */
		const char *allow_private, *ca_file;
		bool self_register;
	} supabase;
	struct {
		/* 32 random bytes, base64; made by `migrate` if absent */
		const char *key_file;
		bool allow_loopback_http;
		/* SNS topics that still sign with SHA-1 */
		bool sns_signature_v1;
		/* requests a minute with one API key; triggers of each kind, one at a
		 * time. 0: any number */
		int key_rate, cron_rate;
		/* tests only: a stand-in for Amazon SNS and the roots of its signer */
		const char *sns_endpoint, *sns_ca_file;
	} security;
	struct {
		const char *level, *format; /* format: auto | json | text */
	} log;
};

/*
 * file may be NULL: defaults and environment only. ERR_INVALID prints file:line and why
 * to *why.
 */
enum err config_load(void *mem, const char *file, struct config **out,
    const char **why) MUST_CHECK;
/* The effective values without secrets, for doctor. */
struct json_object *config_json(void *mem, const struct config *c);
/* What does not fit together in it, as a sentence; NULL: nothing. Part of config_load.
 */
const char *config_fault(void *mem, const struct config *c);
/* [supabase] providers as words, NULL at the end; fewer than PROVIDERS_MAX once
 * checked.
 */
enum { PROVIDERS_MAX = 13, PROVIDER_WORD_MAX = 30 };
char **config_providers(void *mem, const struct config *c);

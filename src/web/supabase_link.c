#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/supabase.h"
#include "repo/user.h"
#include "service/account.h"
#include "web/access.h"
#include "web/enter.h"
#include "web/supabase.h"
#include "web/visit.h"

/*
 * An account of ours and a person at Supabase become one when somebody shows both in
 * one browser: the password here, then the sign-in there.  Neither alone, and no
 * address, is enough: a link lets its person in from then on.
 */
enum { LINK_MS = 10 * 60 * 1000 };

/* ---- the word that shows that the password was given, in this session, just now ----
 */

static char *word_of(struct request *rq, int64_t at)
{
	const char *text = mem_printf(rq, "supabase link %lld %s %lld",
	    (long long)rq->caller->session_id, rq->caller->csrf, (long long)at);
	uint8_t mac[32];

	hmac_sha256(rq->app->keys->mac, sizeof(rq->app->keys->mac), text, strlen(text),
	    mac);
	return mem_printf(rq, "%lld-%s", (long long)at,
	    base64url_encode(rq, mac, sizeof(mac) / 2));
}

enum err link_of(struct request *rq, int64_t *user)
{
	const char *given = form_get(rq->query, "link"), *word;
	int64_t at;

	*user = 0;
	if (text_empty(given))
		return OK;
	if (!rq->caller->session_id ||
	    !text_to_int(mem_strn(rq, given, strcspn(given, "-")), rq->now - LINK_MS,
		rq->now, &at))
		return ERR_FORBIDDEN;
	word = word_of(rq, at);
	if (strlen(given) != strlen(word) || !equal_secret(given, word, strlen(word)))
		return ERR_FORBIDDEN;
	*user = rq->caller->user_id;
	return OK;
}

/* ---- pages ---- */

enum err link_extra(struct request *rq, struct json_object *extra)
{
	char *id = NULL;
	enum err e = supabase_user_of(rq->db, rq, rq->caller->user_id, &id);

	json_set(extra, "providers", oauth_providers(rq));
	json_set_bool(extra, "linked", id != NULL);
	return e;
}

enum err supabase_link_show(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);

	if (!v.supabase) { /* nothing to link with */
		rs->location = "/account";
		return OK;
	}
	rs->extra = json_obj(rs);
	return link_extra(rq, rs->extra);
}

enum err supabase_link_begin(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct user *u;
	enum err e = v.supabase ? OK : ERR_NOTFOUND;

	if (e == OK)
		e = user_get(rq->db, rq, rq->caller->user_id, &u);
	if (e == OK)
		e = account_prove(&v, rq, u, rq->form, &rs->retry_after);
	if (e == ERR_LIMITED)
		return respond_error(rs, e, "%s",
		    form_error(rq->form, "current_password"));
	if (e == OK)
		e = supabase_link_show(rq, rs);
	if (e != OK)
		return e;
	audit_nothing(rq);
	json_set_bool(rs->extra, "second_factor", u->totp_secret != NULL);
	json_set_text(rs->extra, "link", word_of(rq, rq->now));
	return OK;
}

enum err supabase_link_end(struct request *rq, struct response *rs)
{
	struct visit v = visit_of(rq);
	struct session_pick others = { .user_id = rq->caller->user_id,
		.but = rq->caller->session_id };
	enum err e = supabase_user_unlink(rq->db, rq->caller->user_id, rq->now);

	if (e == ERR_CONFLICT)
		return respond_error(rs, e,
		    "This account has no password: nobody could sign in to it then.");
	if (e == OK)
		e = sessions_end(&v, &others, NULL);
	if (e != OK)
		return e;
	audit(rq, "user.unlink", rq->caller->user_id, NULL);
	respond_flash(rs,
	    "From now on only your password signs you in. You are signed "
	    "out everywhere else.");
	return respond_seen(rs, NULL, "/account");
}

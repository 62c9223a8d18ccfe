#include "service/account.h"

#include <string.h>

#include "base/mem.h"
#include "base/slot.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/password_reset.h"
#include "repo/user.h"

enum { CHECKS_AT_ONCE = 2, PROOF_WINDOW_S = 15 * 60, PROOF_TRIES = 10 };

/* ---- passwords ---- */

/* What everybody tries first, of those that are long enough. */
static const char *const known[] = { "1234567890", "0123456789", "123456789a",
	"qwertyuiop", "password12", "password123", "passwordpassword", "administrator",
	"iloveyou12", "letmein123", "qwerty12345", "maillayer123" };

static bool is_dull(const char *password, const char *email)
{
	size_t same = strspn(password, (const char[]){ password[0], '\0' });

	if (same == strlen(password) || text_equal_nocase(password, email))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (text_equal_nocase(password, known[i]))
			return true;
	}
	return false;
}

const char *password_chosen(struct form *f, const char *email)
{
	const char *p = form_get(f, "password");
	size_t n;

	if (text_empty(p) || !text_is_utf8(p, strlen(p))) {
		form_fail(f, "password", "Choose a password of at least %d characters.",
		    PASSWORD_MIN);
		return "";
	}
	n = text_length(p);
	if (n < PASSWORD_MIN)
		form_fail(f, "password",
		    "This one has %zu characters; use at least %d. A few words do "
		    "well.",
		    n, PASSWORD_MIN);
	else if (n > PASSWORD_MAX)
		form_fail(f, "password", "Use at most %d characters.", PASSWORD_MAX);
	else if (is_dull(p, email))
		form_fail(f, "password",
		    "This one is among the first anybody tries. Choose another.");
	return p;
}

/*
 * Each check takes 64 MiB, so two are made at once and the others wait: a crowd at the
 * door must not empty the machine's memory.
 */
bool password_matches(const struct visit *v, const struct user *u, const char *password)
{
	SLOT_SCOPE slot = slot_take(v->state_dir, "password", CHECKS_AT_ONCE);

	return password_verify(u && !u->disabled ? u->password_hash : NULL, password);
}

char *account_hash(const struct visit *v, void *mem, const char *password)
{
	SLOT_SCOPE slot = slot_take(v->state_dir, "password", CHECKS_AT_ONCE);

	return password_hash(mem, password);
}

enum err account_put_password(const struct visit *v, const struct user *u,
    const char *hash, int64_t keep)
{
	TX_SCOPE tx = { 0 };
	struct session_pick others = { .user_id = u->id, .but = keep };
	enum err e = tx_begin(v->db, &tx);

	if (e == OK)
		e = user_set_password(v->db, u->id, hash, v->now);
	if (e == OK)
		e = password_reset_drop(v->db, u->id);
	if (e == OK)
		e = sessions_end(v, &others, NULL);
	return e == OK ? tx_commit(&tx) : e;
}

enum err account_set_password(const struct visit *v, void *mem, const struct user *u,
    const char *password, int64_t keep)
{
	return account_put_password(v, u, account_hash(v, mem, password), keep);
}

enum err account_prove(const struct visit *v, void *mem, const struct user *u,
    struct form *f, int *retry_after)
{
	const char *given = form_get(f, "current_password");
	const char *key = mem_printf(mem, "rate:proof:account:%lld", (long long)u->id);
	struct limit tries = { .window_s = PROOF_WINDOW_S, .max = PROOF_TRIES };
	enum err e;

	*retry_after = 0;
	if (text_empty(given))
		return form_fail(f, "current_password", "Enter your current password.");
	if (strlen(given) > 4 * PASSWORD_MAX)
		return form_fail(f, "current_password",
		    "A password has at most %d characters.", PASSWORD_MAX);
	e = limit_spend(v->kv, key, v->now, &tries);
	*retry_after = tries.retry_after;
	if (e == ERR_LIMITED) {
		form_fail(f, "current_password",
		    "Too many tries. Wait %d minutes, then try again.",
		    (*retry_after + 59) / 60);
		return e;
	}
	if (e != OK)
		return e;
	if (!password_matches(v, u, given))
		return form_fail(f, "current_password",
		    "This is not your current password.");
	limit_return(v->kv, key, v->now, &tries);
	return OK;
}

enum err account_change_password(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct account_change *c)
{
	const char *password = password_chosen(f, u->email);
	enum err e;

	if (form_ok(f) && text_equal(password, form_get(f, "current_password")))
		form_fail(f, "password", "This is the password you have.");
	if (!form_ok(f))
		return ERR_INVALID;
	e = account_prove(v, mem, u, f, &c->retry_after);
	return e == OK ? account_set_password(v, mem, u, password, c->keep) : e;
}

/* ---- name and standing ---- */

enum err account_set_name(const struct visit *v, const struct user *u, struct form *f)
{
	const char *name = form_line(f, "name", 0, USER_NAME_MAX);

	return form_ok(f) ? user_set_name(v->db, u->id, name, v->now) : ERR_INVALID;
}

/* Somebody must be left who can let others in. */
static enum err not_the_last(const struct visit *v, const struct user *u,
    struct form *f, const char *field)
{
	int64_t others = 0;
	enum err e = OK;

	if (u->admin && !u->disabled)
		e = user_other_admins(v->db, u->id, &others);
	if (e == OK && u->admin && !u->disabled && others == 0)
		return form_fail(f, field,
		    "%s is the only administrator. Make somebody else one first.",
		    u->email);
	return e;
}

enum err account_change_standing(const struct visit *v, void *mem, int64_t id,
    struct form *f, struct user **out)
{
	TX_SCOPE tx = { 0 };
	struct session_pick all = { .user_id = id };
	struct user *u;
	bool admin, disabled;
	enum err e = tx_begin(v->db, &tx);

	if (e == OK)
		e = user_get(v->db, mem, id, &u);
	if (e != OK)
		return e;
	admin = form_bool(f, "admin", u->admin);
	disabled = form_bool(f, "disabled", u->disabled);
	if (!form_ok(f))
		return ERR_INVALID;
	*out = u;
	if (!admin || disabled)
		e = not_the_last(v, u, f, disabled ? "disabled" : "admin");
	if (e == OK && admin != u->admin)
		e = user_set_admin(v->db, id, admin, v->now);
	if (e == OK && disabled != u->disabled)
		e = user_set_disabled(v->db, id, disabled, v->now);
	if (e == OK && (admin != u->admin || disabled != u->disabled))
		e = sessions_end(v, &all, NULL);
	if (e == OK && disabled)
		e = password_reset_drop(v->db, id);
	u->admin = admin;
	u->disabled = disabled;
	return e == OK ? tx_commit(&tx) : e;
}

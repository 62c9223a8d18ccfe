#include "service/invitation.h"

#include <string.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/member.h"
#include "repo/user.h"
#include "service/address.h"

enum { TOKEN_CHARS = 43 };

static void hash_token(const char *token, uint8_t hash[32])
{
	sha256(token, strlen(token), hash);
}

/* ---- inviting ---- */

static enum err given_address(struct form *f, void *mem, struct address *a)
{
	const char *text = form_line(f, "email", 0, EMAIL_MAX), *why = NULL;

	if (form_error(f, "email"))
		return ERR_INVALID;
	if (text_empty(text))
		return form_fail(f, "email", "Enter the address of your colleague.");
	if (address_parse(mem, text, a, &why) != OK)
		return form_fail(f, "email", "%s", why);
	return OK;
}

static enum err check_role(const struct inviter *by, enum role r, struct form *f)
{
	if (r == ROLE_NONE)
		return form_fail(f, "role",
		    "Choose a role: viewer, editor, admin or owner.");
	if (r > by->role)
		return form_fail(f, "role",
		    "You are %s here and cannot make somebody %s.", role_word(by->role),
		    role_word(r));
	return OK;
}

static enum err check_newcomer(const struct inviter *by, void *mem,
    const struct address *a, struct form *f)
{
	struct member *m;
	struct user *u;
	enum err e = user_find(by->db, mem, a->key, &u);

	if (e == OK)
		e = member_get(by->db, mem, by->brand_id, u->id, &m);
	if (e == OK)
		return form_fail(f, "email",
		    "%s is %s of this brand already. Change the role below People.",
		    a->email, role_word(m->role));
	return e == ERR_NOTFOUND ? OK : e;
}

static enum err check_room(const struct inviter *by, struct form *f)
{
	int64_t n = 0;
	enum err e = invitation_count(by->db, by->brand_id, &n);

	if (e == OK && n >= INVITATIONS_MAX)
		return form_fail(f, "email",
		    "%d invitations wait already. Revoke some of them first.",
		    INVITATIONS_MAX);
	return e;
}

/* With a new word and new times; from who asks now. */
static enum err put(const struct inviter *by, void *mem, struct invitation *i,
    char **token)
{
	uint8_t hash[32];

	i->invited_by = by->user_id;
	i->inviter = by->name;
	i->created_at = by->now;
	i->expires_at = by->now + INVITATION_LIFE_MS;
	*token = id_secret(mem);
	hash_token(*token, hash);
	return invitation_put(by->db, i, hash);
}

enum err invitation_make(const struct inviter *by, void *mem, struct form *f,
    struct invitation **out, char **token)
{
	TX_SCOPE tx = { 0 };
	struct invitation *i = mem_new(mem, struct invitation);
	struct address a = { "", "" };
	enum err e = given_address(f, mem, &a);

	i->role = role_from(form_line(f, "role", 0, 20));
	if (check_role(by, i->role, f) != OK || e != OK)
		return ERR_INVALID;
	i->brand_id = by->brand_id;
	i->email = a.email;
	i->email_key = a.key;
	i->by_mail = form_bool(f, "by_mail", false);
	if (!form_ok(f))
		return ERR_INVALID;
	e = tx_begin(by->db, &tx);
	if (e == OK)
		e = check_newcomer(by, mem, &a, f);
	if (e == OK)
		e = check_room(by, f);
	if (e == OK)
		e = put(by, mem, i, token);
	if (e == OK)
		e = invitation_get(by->db, mem, by->brand_id, i->id, out);
	return e == OK ? tx_commit(&tx) : e;
}

enum err invitation_renew(const struct inviter *by, void *mem, int64_t id,
    struct form *f, struct invitation **out, char **token)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(by->db, &tx);

	if (e == OK)
		e = invitation_get(by->db, mem, by->brand_id, id, out);
	if (e == OK)
		e = check_role(by, (*out)->role, f);
	if (e == OK)
		e = put(by, mem, *out, token);
	return e == OK ? tx_commit(&tx) : e;
}

enum err invitation_revoke(const struct inviter *by, void *mem, int64_t id,
    struct form *f, struct invitation **out)
{
	enum err e = invitation_get(by->db, mem, by->brand_id, id, out);

	if (e == OK)
		e = check_role(by, (*out)->role, f);
	return e == OK ? invitation_drop(by->db, by->brand_id, id) : e;
}

/* ---- taking ---- */

enum err invitation_open(struct db *db, void *mem, const char *token, int64_t now,
    struct invitation **out)
{
	uint8_t hash[32];
	enum err e;

	if (strlen(token) != TOKEN_CHARS)
		return ERR_NOTFOUND;
	hash_token(token, hash);
	e = invitation_find(db, mem, hash, out);
	return e == OK && (*out)->expires_at <= now ? ERR_NOTFOUND : e;
}

enum err invitation_accept(struct db *db, const struct invitation *i,
    const struct user *u, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "invitation_accept");
	TX_SCOPE tx = { 0 };
	struct address a;
	struct member *m;
	const char *why;
	enum err e;

	if (address_parse(tmp, u->email, &a, &why) != OK ||
	    !text_equal(a.key, i->email_key))
		return ERR_FORBIDDEN;
	e = tx_begin(db, &tx);
	if (e == OK)
		e = invitation_drop(db, i->brand_id, i->id);
	if (e != OK)
		return e;
	e = member_get(db, tmp, i->brand_id, u->id, &m);
	if (e == ERR_NOTFOUND || (e == OK && m->role < i->role))
		e = member_set(db, i->brand_id, u->id, i->role, now);
	return e == OK ? tx_commit(&tx) : e;
}

static enum err waiting(struct db *db, void *mem, const char *email, int64_t now,
    struct invitation **out, size_t *n)
{
	struct address a;
	const char *why;

	*n = 0;
	if (address_parse(mem, email, &a, &why) != OK)
		return OK;
	return invitation_list_for(db, mem, a.key, now, out, n);
}

enum err invitation_waiting(struct db *db, const char *email, int64_t now, size_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "invitation_waiting");
	struct invitation *all;

	return waiting(db, tmp, email, now, &all, n);
}

enum err invitation_accept_all(struct db *db, void *mem, const struct user *u,
    int64_t now, struct invitation **out, size_t *n)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = waiting(db, mem, u->email, now, out, n);
	for (size_t k = 0; e == OK && k < *n; k++)
		e = invitation_accept(db, &(*out)[k], u, now);
	return e == OK ? tx_commit(&tx) : e;
}

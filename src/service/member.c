#include "service/member.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/user.h"
#include "service/address.h"

static enum role given_role(const struct team *t, struct form *f)
{
	const char *word = form_line(f, "role", 0, 20);
	enum role r = role_from(word);

	if (r == ROLE_NONE)
		form_fail(f, "role", "Choose a role: viewer, editor, admin or owner.");
	else if (r > t->by)
		form_fail(f, "role", "Only an owner makes an owner.");
	return r;
}

/* May this person's role become `to`? ROLE_NONE: they leave. */
static enum err check_owner(const struct team *t, const struct member *m, enum role to,
    struct form *f)
{
	int64_t others = 0;
	enum err e;

	if (m->role != ROLE_OWNER || to == ROLE_OWNER)
		return OK;
	if (t->by < ROLE_OWNER)
		return form_fail(f, "role", "Only an owner changes an owner.");
	e = member_other_owners(t->db, t->brand_id, m->user_id, &others);
	if (e == OK && others == 0)
		return form_fail(f, "role",
		    "%s is the only owner. Make somebody else owner first.", m->email);
	return e;
}

static enum err change_role(const struct team *t, void *mem, int64_t user_id,
    enum role r, struct form *f)
{
	TX_SCOPE tx = { 0 };
	struct member *m;
	enum err e = tx_begin(t->db, &tx);

	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, user_id, &m);
	if (e == OK)
		e = check_owner(t, m, r, f);
	if (e == OK && r == ROLE_NONE)
		e = member_drop(t->db, t->brand_id, user_id);
	else if (e == OK)
		e = member_set(t->db, t->brand_id, user_id, r, t->now);
	return e == OK ? tx_commit(&tx) : e;
}

static enum err account_of(const struct team *t, void *mem, struct form *f,
    struct user **u)
{
	const char *text = form_line(f, "email", 0, EMAIL_MAX), *why = NULL;
	struct address a;
	enum err e;

	if (form_error(f, "email"))
		return ERR_INVALID;
	if (text_empty(text))
		return form_fail(f, "email", "Enter the address of an account.");
	if (address_parse(mem, text, &a, &why) != OK)
		return form_fail(f, "email", "%s", why);
	e = user_find(t->db, mem, a.key, u);
	if (e == ERR_NOTFOUND)
		return form_fail(f, "email",
		    "Nobody has an account with this address. An administrator makes "
		    "one "
		    "with: maillayer user create --email %s",
		    a.email);
	return e;
}

enum err member_add(const struct team *t, void *mem, struct form *f,
    struct member **out)
{
	struct user *u = NULL;
	enum role r = given_role(t, f);
	enum err e = account_of(t, mem, f, &u);

	if (!form_ok(f))
		return ERR_INVALID;
	if (!u) /* then e tells why */
		return e;
	if (e == OK)
		e = change_role(t, mem, u->id, r, f);
	if (e == ERR_NOTFOUND)
		e = member_set(t->db, t->brand_id, u->id, r, t->now);
	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, u->id, out);
	return e;
}

enum err member_change(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out)
{
	enum err e = member_get(t->db, mem, t->brand_id, user_id, out);
	enum role r;

	if (e != OK)
		return e;
	r = given_role(t, f);
	e = form_ok(f) ? change_role(t, mem, user_id, r, f) : ERR_INVALID;
	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, user_id, out);
	return e;
}

enum err member_remove(const struct team *t, void *mem, int64_t user_id, struct form *f)
{
	return change_role(t, mem, user_id, ROLE_NONE, f);
}

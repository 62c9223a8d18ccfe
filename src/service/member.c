#include "service/member.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/invitation.h"
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

/* The role of the caller may have changed since they were let in. */
static enum err check_caller(const struct team *t, void *mem, struct form *f)
{
	struct member *m;
	enum err e;

	if (t->above)
		return OK;
	e = member_get(t->db, mem, t->brand_id, t->user_id, &m);
	if (e == ERR_NOTFOUND || (e == OK && m->role < t->by))
		return form_fail(f, "role",
		    "Your own role was changed just now. Reload the page.");
	return e;
}

/* Begins a change of the team: nobody else changes it until the transaction ends. */
static enum err begin(const struct team *t, void *mem, struct form *f, struct tx *tx)
{
	enum err e = tx_begin(t->db, tx);

	if (e == OK)
		e = member_lock(t->db, t->brand_id);
	return e == OK ? check_caller(t, mem, f) : e;
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

/* Inside begin(): checks and sets; invitations to more than the new role go. */
static enum err set_role(const struct team *t, const struct member *m, enum role to,
    struct form *f)
{
	enum err e = check_owner(t, m, to, f);

	if (e == OK && to == ROLE_NONE)
		e = member_drop(t->db, t->brand_id, m->user_id);
	else if (e == OK)
		e = member_set(t->db, t->brand_id, m->user_id, to, t->now);
	if (e == OK && to < m->role)
		e = invitation_drop_by(t->db, t->brand_id, m->user_id, to);
	return e;
}

/* ---- taking in ---- */

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
		    "Nobody has an account with this address. Invite them, and they "
		    "make one.");
	return e;
}

static enum err check_outside(const struct team *t, void *mem, const struct user *u,
    struct form *f)
{
	struct member *m;
	enum err e = member_get(t->db, mem, t->brand_id, u->id, &m);

	if (e == OK)
		return form_fail(f, "email",
		    "%s is %s of this brand already. Change the role instead.",
		    u->email, role_word(m->role));
	return e == ERR_NOTFOUND ? OK : e;
}

enum err member_add(const struct team *t, void *mem, struct form *f,
    struct member **out)
{
	TX_SCOPE tx = { 0 };
	struct user *u = NULL;
	enum role r = given_role(t, f);
	enum err e = account_of(t, mem, f, &u);

	if (!form_ok(f) || u == NULL)
		return e == OK ? ERR_INVALID : e;
	if (e == OK)
		e = begin(t, mem, f, &tx);
	if (e == OK)
		e = check_outside(t, mem, u, f);
	if (e == OK)
		e = member_set(t->db, t->brand_id, u->id, r, t->now);
	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, u->id, out);
	return e == OK ? tx_commit(&tx) : e;
}

/* ---- changing ---- */

enum err member_change(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out, enum role *was)
{
	TX_SCOPE tx = { 0 };
	enum err e = begin(t, mem, f, &tx);
	enum role r;

	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, user_id, out);
	if (e != OK)
		return e;
	*was = (*out)->role;
	r = given_role(t, f);
	e = form_ok(f) ? set_role(t, *out, r, f) : ERR_INVALID;
	(*out)->role = r;
	return e == OK ? tx_commit(&tx) : e;
}

enum err member_remove(const struct team *t, void *mem, int64_t user_id, struct form *f,
    struct member **out)
{
	TX_SCOPE tx = { 0 };
	enum err e = begin(t, mem, f, &tx);

	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, user_id, out);
	if (e == OK)
		e = set_role(t, *out, ROLE_NONE, f);
	return e == OK ? tx_commit(&tx) : e;
}

enum err member_hand_over(const struct team *t, void *mem, int64_t user_id,
    struct form *f, struct member **out)
{
	TX_SCOPE tx = { 0 };
	struct member *me = NULL;
	enum err e = begin(t, mem, f, &tx);

	if (e == OK)
		e = member_get(t->db, mem, t->brand_id, user_id, out);
	if (e != OK)
		return e;
	if (t->by < ROLE_OWNER)
		return form_fail(f, "role", "Only an owner hands a brand over.");
	if (user_id == t->user_id)
		return form_fail(f, "role", "Choose somebody else.");
	e = set_role(t, *out, ROLE_OWNER, f);
	(*out)->role = ROLE_OWNER;
	if (e == OK && t->user_id) {
		e = member_get(t->db, mem, t->brand_id, t->user_id, &me);
		if (e == OK && me->role == ROLE_OWNER)
			e = set_role(t, me, ROLE_ADMIN, f);
		else if (e == ERR_NOTFOUND)
			e = OK;
	}
	return e == OK ? tx_commit(&tx) : e;
}

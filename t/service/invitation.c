#include "service/invitation.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/member.h"
#include "repo/user.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)

struct world {
	struct dbtest *t;
	struct brand brand;
	struct user ann, ben;
	struct inviter by;
};

static void begin(struct world *w, struct dbtest *t)
{
	*w = (struct world){
		.t = t,
		.brand = { .name = "Nordlicht",
		    .from_name = "",
		    .from_email = "",
		    .reply_to = "",
		    .postal_address = "",
		    .time_zone = "UTC",
		    .hook_token = "h" },
		.ann = { .email = "ann@x.example", .name = "Ann" },
		.ben = { .email = "Ben@x.example", .name = "Ben" },
	};
	ok(brand_add(t->db, &w->brand, NOW) == OK &&
		user_add(t->db, &w->ann, "ann@x.example", NOW) == OK &&
		user_add(t->db, &w->ben, "ben@x.example", NOW) == OK &&
		member_set(t->db, w->brand.id, w->ann.id, ROLE_ADMIN, NOW) == OK,
	    "a brand, its admin and a stranger");
	w->by = (struct inviter){ .db = t->db,
		.brand_id = w->brand.id,
		.user_id = w->ann.id,
		.name = "Ann",
		.role = ROLE_ADMIN,
		.now = NOW };
}

static struct form *filled(void *mem, const char *email, const char *role)
{
	struct form *f = form_new(mem);

	form_add(f, "email", email);
	form_add(f, "role", role);
	return f;
}

static void test_make(struct dbtest *t)
{
	static const struct {
		const char *email, *role, *at, *says;
	} bad[] = {
		{ "", "editor", "email", "Enter the address of your colleague." },
		{ "ben", "editor", "email", NULL },
		{ "ben@x.example", "", "role",
		    "Choose a role: viewer, editor, admin or owner." },
		{ "ben@x.example", "king", "role",
		    "Choose a role: viewer, editor, admin or owner." },
		{ "ben@x.example", "owner", "role",
		    "You are admin here and cannot make somebody owner." },
		{ "ANN@x.example", "viewer", "email",
		    "ANN@x.example is admin of this brand already. Change the role "
		    "below People." },
	};
	struct world w;
	struct invitation *i;
	struct form *f;
	char *token;

	begin(&w, t);
	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
		f = filled(t->mem, bad[k].email, bad[k].role);
		ok(invitation_make(&w.by, t->mem, f, &i, &token) == ERR_INVALID,
		    "invitation_make refuses “%s” as “%s”", bad[k].email, bad[k].role);
		if (bad[k].says)
			is_text(form_error(f, bad[k].at), bad[k].says, "and says why");
		else
			ok(form_error(f, bad[k].at), "and says why");
	}
}

static void test_word(struct dbtest *t)
{
	struct world w;
	struct invitation *i, *j;
	struct form *f;
	char *token, *again;

	begin(&w, t);
	f = filled(t->mem, " Cleo@X.example ", "editor");
	ok(invitation_make(&w.by, t->mem, f, &i, &token) == OK,
	    "invitation_make invites who has no account");
	is_int(strlen(token), 43, "with a word of 256 bits");
	ok(i->role == ROLE_EDITOR && !i->by_mail &&
		i->expires_at == NOW + INVITATION_LIFE_MS,
	    "for 7 days");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM invitations WHERE CAST(token_hash AS TEXT)"
		       " LIKE '%%%s%%'",
		       token)),
	    0, "the word itself is not kept");
	ok(invitation_open(t->db, t->mem, token, NOW, &j) == OK && j->id == i->id,
	    "invitation_open finds it by the word");
	ok(invitation_open(t->db, t->mem, token, i->expires_at, &j) == ERR_NOTFOUND,
	    "but not after 7 days");
	ok(invitation_open(t->db, t->mem, "x", NOW, &j) == ERR_NOTFOUND,
	    "nor by anything else");
	ok(invitation_renew(&w.by, t->mem, i->id, f, &j, &again) == OK &&
		j->id == i->id,
	    "invitation_renew gives a new word");
	ok(invitation_open(t->db, t->mem, token, NOW, &j) == ERR_NOTFOUND &&
		invitation_open(t->db, t->mem, again, NOW, &j) == OK,
	    "and the old one is no longer good");
	w.by.role = ROLE_VIEWER;
	ok(invitation_renew(&w.by, t->mem, i->id, form_new(t->mem), &j, &token) ==
		    ERR_INVALID &&
		invitation_revoke(&w.by, t->mem, i->id, form_new(t->mem), &j) ==
		    ERR_INVALID,
	    "who has a lower role neither renews nor revokes it");
	w.by.role = ROLE_ADMIN;
	ok(invitation_revoke(&w.by, t->mem, i->id, f, &j) == OK &&
		invitation_open(t->db, t->mem, again, NOW, &j) == ERR_NOTFOUND,
	    "invitation_revoke ends it");
	ok(invitation_revoke(&w.by, t->mem, i->id, f, &j) == ERR_NOTFOUND &&
		invitation_renew(&w.by, t->mem, i->id, f, &j, &token) == ERR_NOTFOUND,
	    "once");
}

static void test_room(struct dbtest *t)
{
	struct world w;
	struct invitation *i;
	char *token;
	int bad = 0;

	begin(&w, t);
	for (int k = 0; k < INVITATIONS_MAX; k++) {
		struct form *f =
		    filled(t->mem, mem_printf(t->mem, "p%d@x.example", k), "viewer");

		bad += invitation_make(&w.by, t->mem, f, &i, &token) != OK;
	}
	is_int(bad, 0, "a hundred can wait");
	ok(invitation_make(&w.by, t->mem, filled(t->mem, "q@x.example", "viewer"), &i,
	       &token) == ERR_INVALID,
	    "one more cannot");
}

static void test_accept(struct dbtest *t)
{
	struct world w;
	struct invitation *i, *j;
	struct member *m;
	struct db *two = dbtest_connect(t);
	char *token;
	size_t n = 9;

	begin(&w, t);
	ok(invitation_make(&w.by, t->mem, filled(t->mem, "BEN@x.example", "editor"), &i,
	       &token) == OK,
	    "the stranger is invited");
	ok(invitation_accept(t->db, i, &w.ann, NOW) == ERR_FORBIDDEN,
	    "invitation_accept refuses another person");
	ok(invitation_open(t->db, t->mem, token, NOW, &i) == OK,
	    "and it is still good");
	ok(invitation_open(two, t->mem, token, NOW, &j) == OK,
	    "two read it at the same time");
	ok(invitation_accept(t->db, i, &w.ben, NOW) == OK,
	    "invitation_accept takes who has the address");
	ok(invitation_accept(two, j, &w.ben, NOW) == ERR_NOTFOUND, "once");
	ok(member_get(t->db, t->mem, w.brand.id, w.ben.id, &m) == OK &&
		m->role == ROLE_EDITOR,
	    "who has the role now");
	ok(member_set(t->db, w.brand.id, w.ben.id, ROLE_NONE + 1, NOW) == OK &&
		member_drop(t->db, w.brand.id, w.ben.id) == OK,
	    "they leave");
	ok(invitation_make(&w.by, t->mem, filled(t->mem, "ben@x.example", "viewer"), &i,
	       &token) == OK &&
		member_set(t->db, w.brand.id, w.ben.id, ROLE_OWNER, NOW) == OK,
	    "they are invited again, and made owner meanwhile");
	ok(invitation_waiting(t->db, "Ben@X.example", NOW, &n) == OK && n == 1,
	    "invitation_waiting sees one");
	ok(invitation_waiting(t->db, "Ben@X.example", NOW + INVITATION_LIFE_MS, &n) ==
		    OK &&
		n == 0,
	    "for 7 days");
	ok(invitation_waiting(t->db, "no address", NOW, &n) == OK && n == 0,
	    "and none for what is no address");
	ok(invitation_accept_all(t->db, t->mem, &w.ben, NOW, &i, &n) == OK && n == 1,
	    "invitation_accept_all accepts it");
	is_text(i[0].brand, "Nordlicht", "and tells which");
	ok(member_get(t->db, t->mem, w.brand.id, w.ben.id, &m) == OK &&
		m->role == ROLE_OWNER,
	    "a higher role is kept");
	ok(invitation_accept_all(t->db, t->mem, &w.ben, NOW, &i, &n) == OK && n == 0,
	    "then none is left");
}

int main(void)
{
	dbtest_run(test_make);
	dbtest_run(test_word);
	dbtest_run(test_room);
	dbtest_run(test_accept);
	return done_testing();
}

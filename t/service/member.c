#include "service/member.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/invitation.h"
#include "repo/user.h"
#include "tap.h"

struct world {
	struct dbtest *t;
	struct brand brand;
	struct user ann, ben, cleo; /* owner, admin, nobody */
};

static void begin(struct world *w, struct dbtest *t)
{
	*w = (struct world){
		.t = t,
		.brand = { .name = "B",
		    .from_name = "",
		    .from_email = "",
		    .reply_to = "",
		    .postal_address = "",
		    .time_zone = "UTC",
		    .hook_token = "h" },
		.ann = { .email = "ann@x.example", .name = "Ann" },
		.ben = { .email = "ben@x.example", .name = "Ben" },
		.cleo = { .email = "cleo@x.example", .name = "" },
	};
	ok(brand_add(t->db, &w->brand, 1) == OK &&
		user_add(t->db, &w->ann, "ann@x.example", 1) == OK &&
		user_add(t->db, &w->ben, "ben@x.example", 1) == OK &&
		user_add(t->db, &w->cleo, "cleo@x.example", 1) == OK &&
		member_set(t->db, w->brand.id, w->ann.id, ROLE_OWNER, 1) == OK &&
		member_set(t->db, w->brand.id, w->ben.id, ROLE_ADMIN, 1) == OK,
	    "an owner, an admin and a stranger");
}

static struct team as(const struct world *w, const struct user *u, enum role role)
{
	return (struct team){ .db = w->t->db,
		.brand_id = w->brand.id,
		.user_id = u->id,
		.by = role,
		.now = 5 };
}

static struct form *to_role(struct world *w, const char *role)
{
	struct form *f = form_new(w->t->mem);

	form_add(f, "role", role);
	return f;
}

static enum role role_of(struct world *w, const struct user *u)
{
	struct member *m;

	return member_get(w->t->db, w->t->mem, w->brand.id, u->id, &m) == OK
	    ? m->role
	    : ROLE_NONE;
}

static void test_add(struct dbtest *t)
{
	struct world w;
	struct team ben, ann;
	struct member *m;
	struct form *f;

	begin(&w, t);
	ben = as(&w, &w.ben, ROLE_ADMIN);
	ann = as(&w, &w.ann, ROLE_OWNER);
	f = to_role(&w, "viewer");
	form_add(f, "email", "nobody@x.example");
	ok(member_add(&ann, t->mem, f, &m) == ERR_INVALID && form_error(f, "email"),
	    "member_add refuses who has no account");
	f = to_role(&w, "owner");
	form_add(f, "email", "cleo@x.example");
	ok(member_add(&ben, t->mem, f, &m) == ERR_INVALID && form_error(f, "role"),
	    "an admin adds no owner");
	f = to_role(&w, "editor");
	form_add(f, "email", "CLEO@x.example");
	ok(member_add(&ben, t->mem, f, &m) == OK && m->role == ROLE_EDITOR,
	    "member_add takes in who has one");
	ok(member_add(&ben, t->mem, f, &m) == ERR_INVALID && form_error(f, "email"),
	    "once");
}

static void test_change(struct dbtest *t)
{
	struct world w;
	struct team ben, ann;
	struct member *m;
	enum role was;
	struct form *f;

	begin(&w, t);
	ben = as(&w, &w.ben, ROLE_ADMIN);
	ann = as(&w, &w.ann, ROLE_OWNER);
	f = to_role(&w, "viewer");
	ok(member_change(&ben, t->mem, w.ann.id, f, &m, &was) == ERR_INVALID,
	    "an admin does not change an owner");
	is_text(form_error(f, "role"), "Only an owner changes an owner.", "as it says");
	ok(member_change(&ben, t->mem, w.ben.id, to_role(&w, "owner"), &m, &was) ==
		ERR_INVALID,
	    "nor becomes one");
	ok(member_remove(&ben, t->mem, w.ann.id, to_role(&w, ""), &m) == ERR_INVALID,
	    "nor removes one");
	ok(member_hand_over(&ben, t->mem, w.cleo.id, to_role(&w, ""), &m) ==
		ERR_NOTFOUND,
	    "nobody outside is made owner");
	ok(member_change(&ann, t->mem, w.ann.id, to_role(&w, "admin"), &m, &was) ==
		ERR_INVALID,
	    "the last owner stays owner");
	ok(member_remove(&ann, t->mem, w.ann.id, to_role(&w, ""), &m) == ERR_INVALID,
	    "and stays");
	ok(member_change(&ann, t->mem, w.cleo.id, to_role(&w, "admin"), &m, &was) ==
		ERR_NOTFOUND,
	    "member_change misses who is not in it");
	ok(member_change(&ann, t->mem, w.ben.id, to_role(&w, "viewer"), &m, &was) ==
		    OK &&
		was == ROLE_ADMIN && m->role == ROLE_VIEWER,
	    "member_change tells both roles");
	f = to_role(&w, "editor");
	ok(member_change(&ben, t->mem, w.ben.id, f, &m, &was) == ERR_INVALID &&
		role_of(&w, &w.ben) == ROLE_VIEWER,
	    "who is no admin any more changes nothing");
	is_text(form_error(f, "role"),
	    "Your own role was changed just now. Reload the page.", "as it says");
	ben.above = true;
	ok(member_change(&ben, t->mem, w.ben.id, to_role(&w, "admin"), &m, &was) == OK,
	    "unless they administer the server");
}

static void test_invitations(struct dbtest *t)
{
	struct world w;
	struct team ann;
	struct member *m;
	enum role was;
	int64_t n = -1;
	static const char *const to[] = { "1@x.example", "2@x.example" };

	begin(&w, t);
	ann = as(&w, &w.ann, ROLE_OWNER);
	for (uint8_t k = 0; k < 2; k++) {
		struct invitation i = { .brand_id = w.brand.id,
			.email = to[k],
			.email_key = to[k],
			.role = k ? ROLE_ADMIN : ROLE_VIEWER,
			.inviter = "Ben",
			.invited_by = w.ben.id,
			.created_at = 1,
			.expires_at = 100 };
		uint8_t hash[32] = { k };

		ok(invitation_put(t->db, &i, hash) == OK, "the admin invites");
	}
	ok(member_change(&ann, t->mem, w.ben.id, to_role(&w, "editor"), &m, &was) ==
		    OK &&
		invitation_count(t->db, w.brand.id, &n) == OK && n == 1,
	    "who loses a role loses invitations to more");
	ok(member_remove(&ann, t->mem, w.ben.id, to_role(&w, ""), &m) == OK &&
		invitation_count(t->db, w.brand.id, &n) == OK && n == 0,
	    "who is removed, all of them");
}

static void test_hand_over(struct dbtest *t)
{
	struct world w;
	struct team ann, above;
	struct member *m;
	struct form *f;

	begin(&w, t);
	ann = as(&w, &w.ann, ROLE_OWNER);
	f = to_role(&w, "");
	ok(member_hand_over(&ann, t->mem, w.ann.id, f, &m) == ERR_INVALID,
	    "nobody hands over to themselves");
	ok(member_hand_over(&ann, t->mem, w.ben.id, to_role(&w, ""), &m) == OK &&
		m->role == ROLE_OWNER,
	    "member_hand_over makes an owner");
	ok(role_of(&w, &w.ben) == ROLE_OWNER && role_of(&w, &w.ann) == ROLE_ADMIN,
	    "and the one before admin");
	ok(member_hand_over(&ann, t->mem, w.ann.id, to_role(&w, ""), &m) == ERR_INVALID,
	    "who cannot take it back");
	above = as(&w, &w.cleo, ROLE_OWNER);
	above.above = true;
	ok(member_hand_over(&above, t->mem, w.ann.id, to_role(&w, ""), &m) == OK &&
		role_of(&w, &w.ben) == ROLE_OWNER && role_of(&w, &w.ann) == ROLE_OWNER,
	    "an administrator of the server makes an owner and takes no role");
}

/* One of two owners leaves, in a thread of its own with its own connection. */
struct leaver {
	struct team team;
	void *mem;
	enum err e;
	atomic_bool done;
};

static void *leave(void *arg)
{
	struct leaver *l = arg;
	struct member *m;

	l->e = member_remove(&l->team, l->mem, l->team.user_id, form_new(l->mem), &m);
	l->done = true;
	return NULL;
}

/* Two owners leave at the same moment: the second waits for the first, and stays. */
static void test_two_leave(struct dbtest *t)
{
	struct world w;
	struct team ann;
	struct leaver ben = { .done = false };
	struct member *m;
	TX_SCOPE tx = { 0 };
	pthread_t thread;

	begin(&w, t);
	ann = as(&w, &w.ann, ROLE_OWNER);
	ben.team = as(&w, &w.ben, ROLE_OWNER);
	ben.team.db = dbtest_connect(t);
	ben.mem = mem_scope(NULL, "leaver");
	ok(member_set(t->db, w.brand.id, w.ben.id, ROLE_OWNER, 2) == OK, "two owners");
	ok(tx_begin(t->db, &tx) == OK &&
		member_remove(&ann, t->mem, w.ann.id, form_new(t->mem), &m) == OK,
	    "one leaves, and has not committed yet");
	ok(pthread_create(&thread, NULL, leave, &ben) == 0, "the other leaves too");
	usleep(300 * 1000);
	ok(!ben.done, "and waits");
	ok(tx_commit(&tx) == OK, "until the first commits");
	ok(pthread_join(thread, NULL) == 0, "then goes on");
	is_int(ben.e, ERR_INVALID, "and is refused");
	ok(role_of(&w, &w.ben) == ROLE_OWNER && role_of(&w, &w.ann) == ROLE_NONE,
	    "so the brand has an owner");
	mem_free(ben.mem);
}

int main(void)
{
	dbtest_run(test_add);
	dbtest_run(test_change);
	dbtest_run(test_invitations);
	dbtest_run(test_hand_over);
	dbtest_run(test_two_leave);
	return done_testing();
}

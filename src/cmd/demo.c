#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "repo/brand.h"
#include "service/brand.h"
#include "service/campaign.h"
#include "service/field.h"
#include "service/list.h"
#include "service/subscriber.h"

/* Made-up people at domains that cannot exist. */
static const char *const people[][4] = {
	{ "Ada", "Lindqvist", "Uppsala", "club" },
	{ "Aiko", "Tanabe", "Kyoto", "club" },
	{ "Amara", "Okafor", "Lagos", "shop" },
	{ "Andrés", "Villar", "Sevilla", "shop" },
	{ "Béatrice", "Moreau", "Lyon", "club" },
	{ "Birgit", "Hansen", "Aarhus", "shop" },
	{ "Callum", "Reid", "Leith", "shop" },
	{ "Chiara", "Bellini", "Torino", "club" },
	{ "Dagný", "Jónsdóttir", "Akureyri", "shop" },
	{ "Daniel", "Osei", "Accra", "shop" },
	{ "Elif", "Demir", "İzmir", "club" },
	{ "Emma", "Vermeulen", "Gent", "shop" },
	{ "Farid", "Haddad", "Beirut", "shop" },
	{ "Fiona", "Gallagher", "Galway", "club" },
	{ "Georgi", "Petrov", "Plovdiv", "shop" },
	{ "Greta", "Baumann", "Basel", "shop" },
	{ "Hana", "Novotná", "Brno", "club" },
	{ "Hugo", "Almeida", "Porto", "shop" },
	{ "Ines", "Ferreira", "Braga", "shop" },
	{ "Ivo", "Kovač", "Split", "shop" },
	{ "Jasper", "de Wit", "Utrecht", "club" },
	{ "Joana", "Prat", "Girona", "shop" },
	{ "Kaito", "Mori", "Sapporo", "shop" },
	{ "Katarzyna", "Zielińska", "Gdańsk", "club" },
	{ "Lars", "Øvergård", "Bergen", "shop" },
	{ "Lina", "Karlsen", "Tromsø", "shop" },
	{ "Mateo", "Quiroga", "Rosario", "shop" },
	{ "Maya", "Rosen", "", "club" },
	{ "Nikhil", "Rao", "Pune", "shop" },
	{ "Noor", "Bakker", "Leiden", "shop" },
	{ "Oskar", "Rautio", "Turku", "club" },
	{ "Paloma", "Reyes", "Puebla", "shop" },
	{ "Quentin", "Leroy", "Nantes", "shop" },
	{ "Rosa", "Marchetti", "Parma", "shop" },
	{ "Samuel", "Adeyemi", "Ibadan", "club" },
	{ "Sofie", "Claes", "Brugge", "shop" },
	{ "Tomasz", "Wrona", "Kraków", "shop" },
	{ "Una", "Byrne", "Cork", "shop" },
	{ "Viktor", "Szabó", "Pécs", "club" },
	{ "", "", "", "shop" },
};

enum { PEOPLE = sizeof(people) / sizeof(*people), MAIL_MAX = 64 * 1024 };

struct demo {
	struct app *app;
	void *mem;
	int64_t now;
	struct brand *brand;
	struct list *list;
	struct form *form; /* of the step under way: holds its errors */
};

struct pair {
	const char *name, *value;
};

static struct form *fill(struct demo *d, const struct pair *pairs)
{
	d->form = form_new(d->mem);
	for (; pairs->name != NULL; pairs++)
		form_add(d->form, pairs->name, pairs->value);
	return d->form;
}

static enum err make_brand(struct demo *d)
{
	static const struct pair brand[] = {
		{ "name", "Holm & Harbour Tea" },
		{ "from_name", "Holm & Harbour Tea" },
		{ "from_email", "tea@holmharbour.example" },
		{ "postal_address", "12 Quay Street, 4021 Holm" },
		{ "time_zone", "Europe/Berlin" },
		{ 0 },
	};
	static const struct pair list[] = {
		{ "name", "Newsletter" },
		{ "description", "News about tea, twice a month" },
		{ 0 },
	};
	struct db *db = d->app->db;
	enum err e = brand_create(db, d->mem, fill(d, brand), 0, d->now, &d->brand);

	if (e != OK)
		return e;
	return list_create(db, d->mem, d->brand->id, fill(d, list), d->now, &d->list);
}

static enum err make_field(struct demo *d, const struct pair *pairs)
{
	struct field *f;
	struct form *form = fill(d, pairs);

	return field_create(d->app->db, d->mem, d->brand->id, form, d->now, &f);
}

static enum err make_fields(struct demo *d)
{
	static const struct pair city[] = {
		{ "key", "city" },
		{ "label", "City" },
		{ "type", "text" },
		{ 0 },
	};
	static const struct pair plan[] = {
		{ "key", "plan" },
		{ "label", "Customer of" },
		{ "type", "choice" },
		{ "choices", "shop\nclub" },
		{ 0 },
	};
	static const struct pair since[] = {
		{ "key", "customer_since" },
		{ "label", "Customer since" },
		{ "type", "date" },
		{ 0 },
	};
	enum err e = make_field(d, city);

	if (e == OK)
		e = make_field(d, plan);
	return e == OK ? make_field(d, since) : e;
}

static enum err make_person(struct demo *d, int i)
{
	const struct origin from = { .source = "import", .ip = "", .now = d->now };
	const char *const *p = people[i];
	const struct pair pairs[] = {
		{ "email", mem_printf(d->mem, "reader%02d@%s.example", i + 1, p[3]) },
		{ "first_name", p[0] },
		{ "last_name", p[1] },
		{ "fields[city]", p[2] },
		{ "fields[plan]", p[3] },
		{ "fields[customer_since]",
		    mem_printf(d->mem, "20%02d-%02d-14", 18 + i % 8, 1 + i % 12) },
		{ "lists", mem_printf(d->mem, "%lld", (long long)d->list->id) },
		{ "tags", i % 3 == 0 ? "green tea" : "black tea" },
		{ 0 },
	};
	struct form *form = fill(d, pairs);
	struct subscriber *s;

	return subscriber_create(d->app->db, d->mem, d->brand->id, form, &from, &s);
}

static char *read_mail(struct demo *d)
{
	char *path = mem_printf(d->mem, "%s/templates/mail/demo.html",
	    d->app->config->server.share_dir);
	char *text = mem_array(d->mem, char, MAIL_MAX);
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return NULL;
	text[fread(text, 1, MAIL_MAX - 1, f)] = '\0';
	fclose(f);
	return text;
}

static enum err make_campaign(struct demo *d)
{
	char *html = read_mail(d);
	const struct pair pairs[] = {
		{ "name", "October crop" },
		{ "subject",
		    "The October crop is in, {{ first_name | default: \"friend\" }}" },
		{ "preview_text", "A sencha with more body than last year." },
		{ "html", html },
		{ "lists", mem_printf(d->mem, "%lld", (long long)d->list->id) },
		{ 0 },
	};
	struct form *form = fill(d, pairs);
	struct campaign *c;

	if (html == NULL)
		return ERR_IO;
	return campaign_create(d->app->db, d->brand, 0, d->now, form, &c);
}

static enum err make_all(struct demo *d)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(d->app->db, &tx);

	if (e == OK)
		e = make_brand(d);
	if (e == OK)
		e = make_fields(d);
	for (int i = 0; e == OK && i < PEOPLE; i++)
		e = make_person(d, i);
	if (e == OK)
		e = make_campaign(d);
	return e == OK ? tx_commit(&tx) : e;
}

static int failed(const struct demo *d, enum err e)
{
	fprintf(stderr, "maillayer demo: it failed (%s)%s%s.\n", err_name(e),
	    d->form ? ": " : "",
	    d->form ? json_object_to_json_string(form_errors(d->form)) : "");
	return 1;
}

static int run(struct arguments *a)
{
	struct demo d = { .mem = a->mem };
	struct brand *brands;
	size_t n;
	enum err e;

	if (app_open(a->mem, a->config, "demo", APP_DB, &d.app) != OK)
		return 1;
	d.now = clock_now(d.app->clock);
	e = brand_list(d.app->db, a->mem, 0, &brands, &n);
	if (e == OK && n > 0) {
		puts("There is a brand already: nothing was filled in.");
		return 0;
	}
	if (e == OK)
		e = make_all(&d);
	if (e != OK)
		return failed(&d, e);
	printf("Made the brand %s with %d subscribers and a campaign.\n", d.brand->name,
	    PEOPLE);
	return 0;
}

const struct command command_demo = {
	.name = "demo",
	.usage = "",
	.summary = "Fills in a brand with a list, people and a campaign.",
	.more = "The people are made up, at addresses that cannot exist; the\n"
		"brand's mail goes to the outbox. Does nothing if there is a\n"
		"brand already.\n",
	.run = run,
};

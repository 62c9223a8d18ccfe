#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

static char file[] = "/tmp/maillayer-config-XXXXXX";

static enum err load(void *mem, const char *text, struct config **c, const char **why)
{
	FILE *f = fopen(file, "w");

	*why = NULL;
	if (f == NULL)
		return ERR_IO;
	fputs(text, f);
	fclose(f);
	return config_load(mem, file, c, why);
}

/* The reason for refusing `text`, without the name of the file. */
static const char *reason(void *mem, const char *text)
{
	struct config *c;
	const char *why;

	if (load(mem, text, &c, &why) != ERR_INVALID || c != NULL || why == NULL)
		return "(taken)";
	return text_starts(why, file) ? why + strlen(file) : why;
}

static void defaults(void *mem)
{
	struct config *c = NULL;
	const char *why = NULL;

	ok(load(mem, "[server]\nstate_dir = /srv/m/\n", &c, &why) == OK,
	    "config_load needs no more than state_dir");
	is_text(c->database.url, "sqlite:/srv/m/maillayer.db",
	    "the database is in state_dir");
	is_text(c->security.key_file, "/srv/m/secret.key",
	    "the key file is in state_dir");
	is_text(c->server.web_socket, "/srv/m/run/web.sock",
	    "the sockets are in state_dir/run");
	is_text(c->server.track_socket, "/srv/m/run/track.sock", "each its own");
	is_text(c->server.cron_socket, "/srv/m/run/cron.sock", "for cron too");
	is_text(c->server.share_dir, SHAREDIR, "share_dir is where it was installed");
	is_text(c->memcached.servers, "", "there is no memcached unless named");
	is_int(c->server.slice_seconds, 50, "a slice has 50 seconds");
	ok(!c->security.allow_loopback_http && !c->supabase.self_register,
	    "permissions are off");
	ok(config_load(mem, NULL, &c, &why) == OK && c->file == NULL,
	    "config_load needs no file");
}

static void reading(void *mem)
{
	struct config *c = NULL;
	const char *why = NULL;
	struct json_object *shown;
	char *key = mem_zero(mem, 1001, "key"), *text, *all;

	memset(key, 'k', 1000);
	text = mem_printf(mem,
	    "# comment\n; comment\r\n\n  [server]  \n public_url = "
	    "https://m.example/ \r\nweb_workers=3\n[supabase]\nanon_key = "
	    "%s\njwt_secret = a;b #c=d and the rest of 32 bytes\n"
	    "url = https://x.supabase.co\nself_register = yes\n"
	    "[database]\nurl = postgresql://app:pa55@db.example/ml",
	    key);
	ok(load(mem, text, &c, &why) == OK, "config_load reads a file");
	if (why != NULL)
		diag("%s", why);
	is_text(c->server.public_url, "https://m.example",
	    "a slash at the end of a URL goes");
	is_int(c->server.web_workers, 3, "numbers are read");
	ok(c->supabase.self_register, "yes is true");
	is_text(c->supabase.anon_key, key, "a value may be long");
	is_text(c->supabase.jwt_secret, "a;b #c=d and the rest of 32 bytes",
	    "a value may hold ; # and =");
	shown = config_json(mem, c);
	all = json_write(mem, shown);
	ok(strstr(all, "a;b #c=d") == NULL && strstr(all, "pa55") == NULL &&
		strstr(all, key) == NULL,
	    "config_json shows no secret");
	ok(strstr(all, "postgresql://app:***@db.example/ml") != NULL,
	    "config_json shows the database without its password");
	is_int(json_int(json_get(shown, "server"), "web_workers", 0), 3,
	    "config_json shows numbers");
}

static void mistakes(void *mem)
{
	is_text(reason(mem, "[server]\n\nweb_worker = 3\n"),
	    ":3: unknown key \"web_worker\" in "
	    "[server]; there are public_url, state_dir, share_dir, web_socket, "
	    "track_socket, "
	    "cron_socket, web_workers, track_workers, cron_workers, slice_seconds, "
	    "reload_templates, missed_hours",
	    "config_load names a mistyped key and its line");
	is_text(reason(mem, "[sever]\n"), ":1: unknown section [sever]",
	    "a mistyped section");
	is_text(reason(mem, "[server]\nweb_workers = many\n"),
	    ":2: web_workers must be a whole number from 1 to 256, not \"many\"",
	    "a word for a number");
	is_text(reason(mem, "[server]\nweb_workers = 0\n"),
	    ":2: web_workers must be a whole number from 1 to 256, not \"0\"",
	    "a number out of range");
	is_text(reason(mem, "[supabase]\nself_register = maybe\n"),
	    ":2: self_register must be true or false, not \"maybe\"",
	    "a word for a flag");
	is_text(reason(mem, "[supabase]\nalgorithm = none\n"),
	    ":2: algorithm must be one of HS256|ES256|RS256, not \"none\"",
	    "an unknown choice");
	is_text(reason(mem, "[supabase]\nalgorithm = HS\n"),
	    ":2: algorithm must be one of HS256|ES256|RS256, not \"HS\"",
	    "the start of a choice");
	is_text(reason(mem, "[log]\nlevel = info\nlevel = debug\n"),
	    ":3: level is set twice", "a key twice");
	is_text(reason(mem, "[log]\nlevel\n"), ":2: this is not \"key = value\"",
	    "no equals sign");
	is_text(reason(mem, "level = info\n"),
	    ":1: this stands before the first [section]", "no section");
	is_text(reason(mem, "[log\n"), ":1: a section is written [name]",
	    "an open bracket");
	is_text(reason(mem, "[server]\npublic_url = m.example\n"),
	    ": [server] public_url must be http(s)://host, not \"m.example\"",
	    "a URL without scheme");
	is_text(reason(mem, "[database]\nurl = mysql://x\n"),
	    ": [database] url must start with sqlite:/ or postgresql://",
	    "another database");
	is_text(reason(mem, "\xff\n"), ": is not UTF-8 text", "bytes that are no text");
}

/* What stands in for Amazon in tests would let anybody forge events. */
static void stand_in(void *mem)
{
	static const char *const refused[] = {
		"[security]\nsns_ca_file = /tmp/ca.pem\n",
		"[security]\nsns_endpoint = http://127.0.0.1:9\n",
		"[security]\nallow_loopback_http = true\n"
		"sns_endpoint = http://sns.example\n",
		"[security]\nallow_loopback_http = true\n"
		"sns_endpoint = https://127.0.0.1:9\n",
		"[security]\nallow_loopback_http = true\n"
		"sns_endpoint = http://127.0.0.1.evil.example\n",
		"[security]\nallow_loopback_http = true\n"
		"sns_endpoint = http://localhost@evil.example\n",
	};
	struct config *c;
	const char *why;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		ok(strstr(reason(mem, refused[i]), "for tests") != NULL,
		    "what would weaken the proof of SNS is refused: %s", refused[i]);
	ok(load(mem,
	       "[security]\nallow_loopback_http = true\nsns_ca_file = /tmp/ca.pem\n"
	       "sns_endpoint = http://127.0.0.1:9\n",
	       &c, &why) == OK,
	    "a test may");
}

static void supabase(void *mem)
{
	struct config *c;
	const char *why;

	ok(strstr(reason(mem, "[supabase]\nurl = http://x.example\n"),
	       "must be https") != NULL,
	    "plain http to Supabase is refused");
	ok(strstr(reason(mem, "[supabase]\nurl = http://127.0.0.1:9\n"),
	       "must be https") != NULL,
	    "to a loopback host too");
	ok(load(mem,
	       "[supabase]\nurl = http://127.0.0.1:9/\nanon_key = k\n"
	       "algorithm = ES256\n[security]\nallow_loopback_http = true\n",
	       &c, &why) == OK,
	    "unless that is allowed");
	ok(strstr(reason(mem,
		      "[supabase]\nurl = http://127.0.0.1.evil.example\n[security]\n"
		      "allow_loopback_http = true\n"),
	       "must be https") != NULL,
	    "a host that only begins like loopback is refused");
	ok(strstr(reason(mem,
		      "[supabase]\nurl = http://localhost@evil.example\n[security]\n"
		      "allow_loopback_http = true\n"),
	       "must be https") != NULL,
	    "and one that hides behind a user name");
}

/* Why a project at Supabase with these lines is refused. */
static const char *project(void *mem, const char *lines)
{
	return reason(mem,
	    mem_printf(mem, "[supabase]\nurl = https://x.supabase.co\n%s", lines));
}

static void supabase_keys(void *mem)
{
	static const char es[] = "anon_key = sb_publishable_x\nalgorithm = ES256\n";
	struct config *c = NULL;
	const char *why;
	char **words;

	ok(strstr(reason(mem, "[mail]\nsystem_from = Us <a@b.example>\n"), "one plain"),
	    "our own mails come from a plain address");
	ok(strstr(project(mem, ""), "anon_key is needed"), "Supabase needs anon_key");
	ok(strstr(project(mem, "anon_key = sb_secret_abc\nalgorithm = ES256\n"),
	       "not the secret one"),
	    "and refuses the secret key in its place");
	ok(strstr(project(mem, "anon_key = k\n"), "needs jwt_secret"),
	    "HS256 needs the secret");
	ok(strstr(project(mem, "anon_key = k\njwt_secret = short\n"), "at least 32"),
	    "of 32 characters");
	is_text(project(mem, es), "(taken)", "ES256 needs none");
	ok(strstr(reason(mem,
		      "[supabase]\nurl = https://x.supabase.co/auth/v1\nanon_key = k\n"
		      "algorithm = ES256\n"),
	       "without /auth/v1"),
	    "the address is that of the project");
	ok(strstr(project(mem, mem_printf(mem, "%sproviders = google, Git Hub\n", es)),
	       "not \"Git\""),
	    "a provider is a word");
	ok(strstr(project(mem, mem_printf(mem, "%sproviders = google, callback\n", es)),
	       "callback"),
	    "and not our own callback");
	ok(strstr(project(mem,
		      mem_printf(mem, "%sproviders = a,b,c,d,e,f,g,h,i,j,k,l,m\n", es)),
	       "at most 12"),
	    "of which there are at most 12");
	ok(load(mem,
	       mem_printf(mem,
		   "[supabase]\nurl = https://x.supabase.co\n%sproviders = google,  "
		   "linkedin_oidc,\n",
		   es),
	       &c, &why) == OK,
	    "commas and blanks part them");
	words = config_providers(mem, c);
	is_text(words[0], "google", "config_providers gives the first");
	is_text(words[1], "linkedin_oidc", "the next");
	ok(words[2] == NULL, "and no more");
}

static void supabase_inside(void *mem)
{
	static const char es[] = "anon_key = sb_publishable_x\nalgorithm = ES256\n";
	struct config *c = NULL;
	const char *why;
	char **words;

	ok(strstr(reason(mem, "[supabase]\nurl = http://kong:8000\nanon_key = k\n"),
	       "url must be https"),
	    "http is refused");
	ok(strstr(reason(mem,
		      "[supabase]\nurl = http://kong.evil.example:8000\n"
		      "allow_private = kong\nanon_key = k\n"),
	       "url must be https"),
	    "also of a name that begins like one that is named");
	ok(load(mem,
	       mem_printf(mem,
		   "[supabase]\nurl = http://kong:8000/\nallow_private = db, kong\n"
		   "issuer = none\n%sproviders = custom:my-idp, google\n",
		   es),
	       &c, &why) == OK,
	    "but taken of a host that is named, with providers made there");
	words = config_providers(mem, c);
	is_text(words[0], "custom:my-idp", "which are words as well");
}

static void environment(void *mem)
{
	struct config *c = NULL;
	const char *why = NULL;

	setenv("MAILLAYER_SERVER_WEB_WORKERS", "5", 1);
	setenv("MAILLAYER_DATABASE_URL", "sqlite:/x.db", 1);
	ok(load(mem, "[server]\nweb_workers = 3\n", &c, &why) == OK &&
		c->server.web_workers == 5,
	    "the environment wins over the file");
	is_text(c->database.url, "sqlite:/x.db", "for text too");
	setenv("MAILLAYER_SERVER_WEB_WORKERS", "x", 1);
	is_text(reason(mem, ""),
	    "MAILLAYER_SERVER_WEB_WORKERS: web_workers must be a whole number "
	    "from 1 to 256, not \"x\"",
	    "config_load names the variable that is wrong");
	unsetenv("MAILLAYER_SERVER_WEB_WORKERS");
	unsetenv("MAILLAYER_DATABASE_URL");
	unlink(file);
	ok(config_load(mem, file, &c, &why) == ERR_INVALID &&
		strstr(why, "cannot be read") != NULL,
	    "config_load says when the file cannot be read");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	if (mkstemp(file) < 0)
		return 1;
	for (int i = 0; environ[i] != NULL;) {
		if (text_starts(environ[i], "MAILLAYER_"))
			unsetenv(mem_strn(mem, environ[i], strcspn(environ[i], "=")));
		else
			i++;
	}
	defaults(mem);
	reading(mem);
	mistakes(mem);
	stand_in(mem);
	supabase(mem);
	supabase_keys(mem);
	supabase_inside(mem);
	environment(mem);
	unlink(file);
	mem_free(mem);
	return done_testing();
}

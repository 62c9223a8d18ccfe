#include "service/import_status.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "service/field_date.h"

enum { CELL_BYTES = 60 };

struct word {
	const char *word;
	enum row_status status;
};

/* Cells, in lower case, with letters and digits only. */
/* clang-format off */
static const struct word words[] = {
	{ "active", ROW_ACTIVE }, { "subscribed", ROW_ACTIVE }, { "enabled", ROW_ACTIVE },
	{ "confirmed", ROW_ACTIVE }, { "optin", ROW_ACTIVE }, { "optedin", ROW_ACTIVE },
	{ "doubleoptin", ROW_ACTIVE }, { "singleoptin", ROW_ACTIVE }, { "available", ROW_ACTIVE },
	{ "subscriber", ROW_ACTIVE }, { "marketingcontact", ROW_ACTIVE }, { "aktiv", ROW_ACTIVE },
	{ "angemeldet", ROW_ACTIVE }, { "bestätigt", ROW_ACTIVE }, { "abonniert", ROW_ACTIVE },
	{ "abonné", ROW_ACTIVE }, { "abonnée", ROW_ACTIVE }, { "inscrit", ROW_ACTIVE },
	{ "actif", ROW_ACTIVE }, { "activo", ROW_ACTIVE }, { "suscrito", ROW_ACTIVE },
	{ "attivo", ROW_ACTIVE }, { "iscritto", ROW_ACTIVE }, { "ativo", ROW_ACTIVE },
	{ "inscrito", ROW_ACTIVE }, { "actief", ROW_ACTIVE }, { "ingeschreven", ROW_ACTIVE },
	{ "aktywny", ROW_ACTIVE }, { "aktywne", ROW_ACTIVE }, { "zapisany", ROW_ACTIVE },
	{ "aktivní", ROW_ACTIVE }, { "активен", ROW_ACTIVE }, { "подписан", ROW_ACTIVE },
	{ "prenumererar", ROW_ACTIVE }, { "tilmeldt", ROW_ACTIVE }, { "påmeldt", ROW_ACTIVE },
	{ "unconfirmed", ROW_UNCONFIRMED }, { "pending", ROW_UNCONFIRMED },
	{ "notconfirmed", ROW_UNCONFIRMED }, { "inactive", ROW_UNCONFIRMED },
	{ "nonsubscribed", ROW_UNCONFIRMED }, { "notsubscribed", ROW_UNCONFIRMED },
	{ "neversubscribed", ROW_UNCONFIRMED }, { "transactional", ROW_UNCONFIRMED },
	{ "nonmarketingcontact", ROW_UNCONFIRMED }, { "unbestätigt", ROW_UNCONFIRMED },
	{ "ausstehend", ROW_UNCONFIRMED }, { "inaktiv", ROW_UNCONFIRMED },
	{ "enattente", ROW_UNCONFIRMED }, { "nonconfirmé", ROW_UNCONFIRMED },
	{ "pendiente", ROW_UNCONFIRMED }, { "inattesa", ROW_UNCONFIRMED },
	{ "pendente", ROW_UNCONFIRMED }, { "niepotwierdzony", ROW_UNCONFIRMED },
	{ "unsubscribed", ROW_UNSUBSCRIBED }, { "unsubscribe", ROW_UNSUBSCRIBED },
	{ "unsub", ROW_UNSUBSCRIBED }, { "optedout", ROW_UNSUBSCRIBED }, { "optout", ROW_UNSUBSCRIBED },
	{ "removed", ROW_UNSUBSCRIBED }, { "deleted", ROW_UNSUBSCRIBED }, { "cancelled", ROW_UNSUBSCRIBED },
	{ "canceled", ROW_UNSUBSCRIBED }, { "disabled", ROW_UNSUBSCRIBED }, { "archived", ROW_UNSUBSCRIBED },
	{ "abgemeldet", ROW_UNSUBSCRIBED }, { "ausgetragen", ROW_UNSUBSCRIBED }, { "deaktiviert", ROW_UNSUBSCRIBED },
	{ "désabonné", ROW_UNSUBSCRIBED }, { "desabonne", ROW_UNSUBSCRIBED }, { "désabonnée", ROW_UNSUBSCRIBED },
	{ "désinscrit", ROW_UNSUBSCRIBED }, { "desinscrit", ROW_UNSUBSCRIBED }, { "désinscrite", ROW_UNSUBSCRIBED },
	{ "baja", ROW_UNSUBSCRIBED }, { "dadodebaja", ROW_UNSUBSCRIBED }, { "cancelado", ROW_UNSUBSCRIBED },
	{ "desuscrito", ROW_UNSUBSCRIBED }, { "disiscritto", ROW_UNSUBSCRIBED }, { "disiscritta", ROW_UNSUBSCRIBED },
	{ "cancellato", ROW_UNSUBSCRIBED }, { "descadastrado", ROW_UNSUBSCRIBED },
	{ "uitgeschreven", ROW_UNSUBSCRIBED },
	{ "afgemeld", ROW_UNSUBSCRIBED }, { "wypisany", ROW_UNSUBSCRIBED }, { "wypisana", ROW_UNSUBSCRIBED },
	{ "odhlášen", ROW_UNSUBSCRIBED }, { "odhlášený", ROW_UNSUBSCRIBED }, { "avregistrerad", ROW_UNSUBSCRIBED },
	{ "frameldt", ROW_UNSUBSCRIBED }, { "avmeldt", ROW_UNSUBSCRIBED }, { "отписан", ROW_UNSUBSCRIBED },
	{ "отписался", ROW_UNSUBSCRIBED }, { "leiratkozott", ROW_UNSUBSCRIBED }, { "配信停止", ROW_UNSUBSCRIBED },
	{ "退订", ROW_UNSUBSCRIBED },
	{ "manual", ROW_MANUAL }, { "suppressed", ROW_MANUAL }, { "usersuppressed", ROW_MANUAL },
	{ "blocklisted", ROW_MANUAL },
	{ "blacklisted", ROW_MANUAL }, { "blocked", ROW_MANUAL }, { "blacklist", ROW_MANUAL },
	{ "blocklist", ROW_MANUAL }, { "denied", ROW_MANUAL }, { "banned", ROW_MANUAL },
	{ "donotemail", ROW_MANUAL }, { "donotcontact", ROW_MANUAL }, { "donotmail", ROW_MANUAL },
	{ "gesperrt", ROW_MANUAL }, { "blockiert", ROW_MANUAL }, { "bloqué", ROW_MANUAL },
	{ "bloqueado", ROW_MANUAL }, { "bloccato", ROW_MANUAL }, { "geblokkeerd", ROW_MANUAL },
	{ "zablokowany", ROW_MANUAL },
	{ "bounced", ROW_BOUNCED }, { "bounce", ROW_BOUNCED }, { "hardbounced", ROW_BOUNCED },
	{ "hardbounce", ROW_BOUNCED }, { "hard", ROW_BOUNCED }, { "cleaned", ROW_BOUNCED },
	{ "invalid", ROW_BOUNCED }, { "invalidemail", ROW_BOUNCED }, { "undeliverable", ROW_BOUNCED },
	{ "undelivered", ROW_BOUNCED },
	{ "unzustellbar", ROW_BOUNCED }, { "ungültig", ROW_BOUNCED }, { "invalide", ROW_BOUNCED },
	{ "rebotado", ROW_BOUNCED }, { "rebote", ROW_BOUNCED }, { "rimbalzato", ROW_BOUNCED },
	{ "nettoyé", ROW_BOUNCED }, { "bereinigt", ROW_BOUNCED }, { "odbity", ROW_BOUNCED },
	{ "complained", ROW_COMPLAINED }, { "complaint", ROW_COMPLAINED }, { "complaints", ROW_COMPLAINED },
	{ "abuse", ROW_COMPLAINED }, { "abused", ROW_COMPLAINED }, { "spam", ROW_COMPLAINED },
	{ "spamreport", ROW_COMPLAINED }, { "spamcomplaint", ROW_COMPLAINED }, { "junk", ROW_COMPLAINED },
	{ "reportedspam", ROW_COMPLAINED }, { "markedasspam", ROW_COMPLAINED }, { "beschwerde", ROW_COMPLAINED },
	{ "plainte", ROW_COMPLAINED }, { "queja", ROW_COMPLAINED },
};

static const char *const yes[] = { "true", "1", "yes", "y", "t", "on", "x", "ja", "j", "oui", "si",
	"sí", "sim", "tak", "wahr", "vrai", "verdadero", "vero", "ano", "да", "はい", "是", NULL };
static const char *const no[] = { "false", "0", "no", "n", "f", "off", "nein", "non", "não", "nie",
	"falsch", "faux", "falso", "nee", "nej", "nei", "ne", "нет", "いいえ", "否", "never", "none",
	"null", "na", NULL };

/* Names of columns.  Where one of them ends a longer name the meaning is the same. */
static const struct { const char *name; enum status_column kind; enum row_status left; bool weak; } names[] = {
	{ "status", STATUS_WORDS, 0, false }, { "state", STATUS_WORDS, 0, true },
	{ "emailstatus", STATUS_WORDS, 0, false },
	{ "subscriptionstatus", STATUS_WORDS, 0, false }, { "subscriberstatus", STATUS_WORDS, 0, false },
	{ "contactstatus", STATUS_WORDS, 0, false }, { "memberstatus", STATUS_WORDS, 0, false },
	{ "liststatus", STATUS_WORDS, 0, false }, { "marketingstatus", STATUS_WORDS, 0, false },
	{ "marketingcontactstatus", STATUS_WORDS, 0, false }, { "emailmarketingstatus", STATUS_WORDS, 0, false },
	{ "emailmarketingconsent", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "emailconsent", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "consentstatus", STATUS_WANTS, ROW_UNCONFIRMED, false }, { "anmeldestatus", STATUS_WORDS, 0, false },
	{ "abostatus", STATUS_WORDS, 0, false }, { "abonnementstatus", STATUS_WORDS, 0, false },
	{ "statut", STATUS_WORDS, 0, false }, { "estado", STATUS_WORDS, 0, true }, { "stato", STATUS_WORDS, 0, true },
	{ "estatus", STATUS_WORDS, 0, false }, { "statusemail", STATUS_WORDS, 0, false },
	{ "stav", STATUS_WORDS, 0, true },
	{ "статус", STATUS_WORDS, 0, false }, { "状态", STATUS_WORDS, 0, true }, { "ステータス", STATUS_WORDS, 0, false },
	{ "reason", STATUS_WORDS, 0, true },
	{ "unsubscribed", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribe", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribedat", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribedon", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribeddate", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribedtime", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribedate", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribetime", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribetimestamp", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubtime", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubdate", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "dateunsubscribed", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "unsubscribedfromallemail", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "isunsubscribed", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "optedout", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "optout", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "optoutdate", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "optouttime", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "optedoutat", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "emailoptout", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "hasoptedoutofemail", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "abgemeldet", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "abgemeldetam", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "abmeldedatum", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "abmeldung", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "deactivated", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "désabonné", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "désabonnéle", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "datededésinscription", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "désinscrit", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "fechadebaja", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "baja", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "disiscritto", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "uitgeschreven", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "wypisany", STATUS_LEFT, ROW_UNSUBSCRIBED, false }, { "отписан", STATUS_LEFT, ROW_UNSUBSCRIBED, false },
	{ "blocklisted", STATUS_LEFT, ROW_MANUAL, false }, { "blacklisted", STATUS_LEFT, ROW_MANUAL, false },
	{ "emailblacklisted", STATUS_LEFT, ROW_MANUAL, false }, { "emailblocklisted", STATUS_LEFT, ROW_MANUAL, false },
	{ "blacklist", STATUS_LEFT, ROW_MANUAL, false }, { "blocklist", STATUS_LEFT, ROW_MANUAL, false },
	{ "suppressed", STATUS_LEFT, ROW_MANUAL, false }, { "issuppressed", STATUS_LEFT, ROW_MANUAL, false },
	{ "suppressedat", STATUS_LEFT, ROW_MANUAL, false }, { "emailsuppressions", STATUS_LEFT, ROW_MANUAL, false },
	{ "blocked", STATUS_LEFT, ROW_MANUAL, false }, { "gesperrt", STATUS_LEFT, ROW_MANUAL, false },
	{ "donotemail", STATUS_LEFT, ROW_MANUAL, false }, { "donotmail", STATUS_LEFT, ROW_MANUAL, false },
	{ "donotcontact", STATUS_LEFT, ROW_MANUAL, false },
	{ "bounced", STATUS_LEFT, ROW_BOUNCED, false }, { "bouncedat", STATUS_LEFT, ROW_BOUNCED, false },
	{ "hardbounce", STATUS_LEFT, ROW_BOUNCED, false }, { "hardbounced", STATUS_LEFT, ROW_BOUNCED, false },
	{ "hardbounces", STATUS_LEFT, ROW_BOUNCED, false },
	{ "emailhardbouncereason", STATUS_LEFT, ROW_BOUNCED, false },
	{ "invalidemailaddress", STATUS_LEFT, ROW_BOUNCED, false }, { "bouncedate", STATUS_LEFT, ROW_BOUNCED, false },
	{ "cleaned", STATUS_LEFT, ROW_BOUNCED, false }, { "cleantime", STATUS_LEFT, ROW_BOUNCED, false },
	{ "complained", STATUS_LEFT, ROW_COMPLAINED, false }, { "complainedat", STATUS_LEFT, ROW_COMPLAINED, false },
	{ "spamcomplaint", STATUS_LEFT, ROW_COMPLAINED, false }, { "markedasspam", STATUS_LEFT, ROW_COMPLAINED, false },
	{ "subscribed", STATUS_WANTS, ROW_UNSUBSCRIBED, false },
	{ "issubscribed", STATUS_WANTS, ROW_UNSUBSCRIBED, false },
	{ "optedin", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "optin", STATUS_WANTS, ROW_UNCONFIRMED, false }, { "emailoptin", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "acceptsmarketing", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "acceptsemailmarketing", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "marketingconsent", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "emailpermission", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "emailpermissionstatus", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "active", STATUS_WANTS, ROW_UNSUBSCRIBED, true }, { "aktiv", STATUS_WANTS, ROW_UNSUBSCRIBED, true },
	{ "marketingpermission", STATUS_WANTS, ROW_UNCONFIRMED, false },
	{ "newsletteranmeldung", STATUS_WANTS, ROW_UNCONFIRMED, false },
};
/* clang-format on */

static const char *const status_names[] = {
	[ROW_ACTIVE] = "active",
	[ROW_UNCONFIRMED] = "unconfirmed",
	[ROW_UNSUBSCRIBED] = "unsubscribed",
	[ROW_MANUAL] = "manual",
	[ROW_BOUNCED] = "bounced",
	[ROW_COMPLAINED] = "complained",
};

enum { NAMES = sizeof(status_names) / sizeof(*status_names) };

const char *import_status_name(enum row_status s)
{
	return (size_t)s < NAMES ? status_names[s] : NULL;
}

enum row_status import_status_from(const char *name)
{
	for (size_t i = ROW_ACTIVE; i < NAMES; i++)
		if (text_equal(name, status_names[i]))
			return (enum row_status)i;
	return ROW_UNKNOWN;
}

bool import_status_leaves(enum row_status s)
{
	return s >= ROW_UNSUBSCRIBED && s < ROW_UNKNOWN;
}

enum subscriber_status import_status_stored(enum row_status s)
{
	switch (s) {
	case ROW_UNCONFIRMED: return SUBSCRIBER_UNCONFIRMED;
	case ROW_UNSUBSCRIBED:
	case ROW_MANUAL: return SUBSCRIBER_UNSUBSCRIBED;
	case ROW_BOUNCED: return SUBSCRIBER_BOUNCED;
	case ROW_COMPLAINED: return SUBSCRIBER_COMPLAINED;
	case ROW_SILENT:
	case ROW_ACTIVE:
	case ROW_UNKNOWN: break;
	}
	return SUBSCRIBER_ACTIVE;
}

/* Lower case, letters and digits only. */
static char *folded(void *mem, const char *s)
{
	char *low = text_lower(mem, s), *out = low;

	for (const char *p = low; *p; p++)
		if (isalnum((unsigned char)*p) || (unsigned char)*p > 127)
			*out++ = *p;
	*out = '\0';
	return low;
}

/* HubSpot has "Opted out of email: Marketing", one for each kind of mail. */
static bool is_opt_out_of(const char *fold)
{
	return text_starts(fold, "optedoutof") || text_starts(fold, "optoutof");
}

struct status_meaning import_status_of_name(const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "name");
	const char *fold = folded(tmp, name);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equal(fold, names[i].name))
			return (struct status_meaning){ names[i].kind, names[i].left,
				names[i].weak };
	if (is_opt_out_of(fold))
		return (struct status_meaning){ STATUS_LEFT, ROW_UNSUBSCRIBED, false };
	return (struct status_meaning){ STATUS_NONE, ROW_SILENT, false };
}

static bool among(const char *s, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		if (text_equal(s, list[i]))
			return true;
	return false;
}

static enum row_status word_of(const char *fold)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_equal(fold, words[i].word))
			return words[i].status;
	return ROW_UNKNOWN;
}

bool import_status_is_word(const char *cell)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "word");

	return strlen(cell) <= CELL_BYTES && word_of(folded(tmp, cell)) != ROW_UNKNOWN;
}

/* "0000-00-00 00:00:00" is how MySQL writes that there was no time. */
static bool is_zero_time(const char *cell)
{
	return cell[strspn(cell, "0-:/. TZ")] == '\0';
}

static bool is_time(const char *cell)
{
	static const struct field_reading how = { .loose = true, .dates = DATES_DMY };
	static const struct field_reading us = { .loose = true, .dates = DATES_MDY };
	char out[11];
	size_t digits = strspn(cell, "0123456789");

	return field_date_read(cell, &how, out) == DATE_GOT ||
	    field_date_read(cell, &us, out) == DATE_GOT ||
	    (digits >= 9 && digits <= 13 && !cell[digits]);
}

/* A count of bounces, or a time. */
static bool is_some(const char *cell)
{
	size_t digits = strspn(cell, "0123456789");

	return (digits > 0 && !cell[digits]) || is_time(cell);
}

enum row_status import_status_read(struct status_meaning m, const char *cell)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "status");
	const char *fold;
	enum row_status s;

	if (!*cell || text_equal(cell, "-"))
		return ROW_SILENT;
	if (strlen(cell) > CELL_BYTES)
		return ROW_UNKNOWN;
	fold = folded(tmp, cell);
	s = word_of(fold);
	if (s != ROW_UNKNOWN)
		return s;
	if (m.kind == STATUS_LEFT) {
		if (among(fold, no) || is_zero_time(cell))
			return ROW_SILENT;
		return among(fold, yes) || is_some(cell) ? m.left : ROW_UNKNOWN;
	}
	if (m.kind == STATUS_WANTS && among(fold, yes))
		return ROW_ACTIVE;
	if (m.kind == STATUS_WANTS && among(fold, no))
		return m.left;
	if (m.kind == STATUS_WANTS && is_time(cell))
		return ROW_ACTIVE;
	return ROW_UNKNOWN;
}

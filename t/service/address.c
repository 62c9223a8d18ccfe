#include "service/address.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

static void good(void *mem, const char *text, const char *email, const char *key)
{
	struct address a = { 0 };
	const char *why = NULL;

	ok(address_parse(mem, text, &a, &why) == OK, "takes \"%s\"", text);
	is_text(a.email, email, "shows it as %s", email);
	is_text(a.key, key, "compares it as %s", key);
}

static void bad(void *mem, const char *text, const char *part)
{
	struct address a;
	const char *why = NULL;

	ok(address_parse(mem, text, &a, &why) == ERR_INVALID, "refuses \"%.60s\"",
	    text);
	ok(why && strstr(why, part), "says \"%s\" (%s)", part, why ? why : "nothing");
}

static void takes(void *mem)
{
	good(mem, "maja@fjordpost.example", "maja@fjordpost.example",
	    "maja@fjordpost.example");
	good(mem, "  maja@fjordpost.example\t\r\n", "maja@fjordpost.example",
	    "maja@fjordpost.example");
	good(mem, "Maja.Lindqvist@FJORDPOST.Example",
	    "Maja.Lindqvist@fjordpost.example", "maja.lindqvist@fjordpost.example");
	good(mem, "rosa@bücher.example", "rosa@bücher.example",
	    "rosa@xn--bcher-kva.example");
	good(mem, "rosa@BÜCHER.example", "rosa@bücher.example",
	    "rosa@xn--bcher-kva.example");
	good(mem, "rosa@xn--bcher-kva.example", "rosa@bücher.example",
	    "rosa@xn--bcher-kva.example");
	good(mem, "o'hara+news@mail.example.co", "o'hara+news@mail.example.co",
	    "o'hara+news@mail.example.co");
	good(mem, "\xC2\xA0maja@fjordpost.example", "maja@fjordpost.example",
	    "maja@fjordpost.example");
}

static void refuses(void *mem)
{
	char longest[400];

	bad(mem, "", "Type an email address");
	bad(mem, NULL, "Type an email address");
	bad(mem, "maja", "no @");
	bad(mem, "maja lind@fjord.example", "a space");
	bad(mem, "maja@fjord .example", "a space");
	bad(mem, "maja\xC2\xA0l@fjord.example", "a space");
	bad(mem, "tomas@gmail,com", "comma in the domain");
	bad(mem, "a@b@c.example", "more than one @");
	bad(mem, "@fjord.example", "nothing before");
	bad(mem, "maja@", "nothing after");
	bad(mem, "maja@localhost", "no dot");
	bad(mem, "maja@fjord..example", "dot too many");
	bad(mem, "maja@.example", "dot too many");
	bad(mem, "maja@fjord.example.", "dot too many");
	bad(mem, "maja@-fjord.example", "cannot exist");
	bad(mem, "maja@fjord-.example", "cannot exist");
	bad(mem, "maja@fj(ord.example", "no domain can have");
	bad(mem, "maja@10.0.0.1", "end in a number");
	bad(mem, ".maja@fjord.example", "dot can be neither");
	bad(mem, "ma..ja@fjord.example", "dot can be neither");
	bad(mem, "ma\"ja@fjord.example", "“\"”");
	bad(mem, "ma<ja@fjord.example", "“<”");
	bad(mem, "jürgen@fjord.example", "Amazon SES cannot send");
	bad(mem, "ma\x01ja@fjord.example", "control character");
	bad(mem, "maja\r\nBcc:x@fjord.example", "a space");
	bad(mem, "ma\xffja@fjord.example", "no text");
	memset(longest, 'a', 65);
	strcpy(longest + 65, "@fjord.example");
	bad(mem, longest, "64 characters");
	memset(longest, 'a', 300);
	memcpy(longest + 1, "@", 1);
	strcpy(longest + 300, ".example");
	bad(mem, longest, "254");
	memset(longest, 'a', 80);
	memcpy(longest + 1, "@", 1);
	strcpy(longest + 80, ".example");
	bad(mem, longest, "cannot exist");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	takes(mem);
	refuses(mem);
	is_text(address_wire(mem, "Rosa@bücher.example"), "Rosa@xn--bcher-kva.example",
	    "address_wire gives the domain in ASCII");
	is_text(address_wire(mem, "Rosa@b.example"), "Rosa@b.example",
	    "leaves ASCII alone");
	return done_testing();
}

#include "http/cookie.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/request.h"
#include "http/response.h"
#include "tap.h"

static void reading(void *mem)
{
	struct json_object *c =
	    cookie_read(mem, "a=1; b=\"two\";c = x=y ; a=2; =n; d; e=\x01");

	is_text(json_text(c, "a", NULL), "1", "cookie_read takes the first of a name");
	is_text(json_text(c, "b", NULL), "two", "... without quotes");
	is_text(json_text(c, "c", NULL), "x=y", "... with = in the value");
	is_int(json_object_object_length(c), 3, "... and nothing else");
	is_int(json_object_object_length(cookie_read(mem, NULL)), 0,
	    "cookie_read takes none");
	is_int(json_object_object_length(cookie_read(mem, "a=\xff")), 0,
	    "cookie_read leaves out what is no UTF-8");
}

static void writing(void *mem)
{
	struct request *rq = request_new(mem);
	struct response *rs = response_new(rq);

	response_cookie(rs, "s", "v", 0);
	is_text(response_get(rs, "set-cookie"), "s=v; Path=/; HttpOnly; SameSite=Lax",
	    "response_cookie sets a session cookie");
	rq->secure = true;
	response_cookie(rs, "s", "v", 60);
	is_text(response_get(rs, "set-cookie"),
	    "__Host-s=v; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60",
	    "... prefixed and Secure over https");
	rq->cookies = cookie_read(rq, "s=weak; __Host-s=strong");
	is_text(request_cookie(rq, "s"), "strong",
	    "request_cookie reads the prefixed one");
	response_cookie(rs, "s", "v", -1);
	is_text(response_get(rs, "set-cookie"),
	    "__Host-s=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
	    "response_cookie deletes");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	reading(mem);
	writing(mem);
	return done_testing();
}

#include "http/body.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tap.h"

static const char *why;

static enum err read(struct form *f, const char *type, const char *body)
{
	why = NULL;
	return body_read(f, f, type, body, strlen(body), &why);
}

static enum err parts(struct form *f, const char *body)
{
	return read(f, "multipart/form-data; boundary=xYz", body);
}

static void urlencoded(void *mem)
{
	static const char type[] = "application/x-www-form-urlencoded; charset=UTF-8";
	struct form *f = form_new(mem);
	struct buf *b = buf_new(mem);

	ok(read(f, type, "a=1&b=x+y%21&&c&d=%C3%A9") == OK, "body_read reads a form");
	is_text(form_get(f, "a"), "1", "... a number");
	is_text(form_get(f, "b"), "x y!", "... plus and percent");
	is_text(form_get(f, "c"), "", "... a name without a value");
	is_text(form_get(f, "d"), "é", "... UTF-8");
	ok(read(form_new(mem), type, "a=%4") == ERR_MALFORMED,
	    "body_read refuses half an escape");
	ok(why != NULL && why[0] != '\0', "... and says why");
	ok(read(form_new(mem), type, "a=%00") == ERR_MALFORMED, "... a NUL");
	ok(read(form_new(mem), type, "a=%FF") == ERR_MALFORMED, "... what is no UTF-8");
	ok(read(form_new(mem), type, "%FF=1") == ERR_MALFORMED, "... also in a name");
	for (int i = 0; i < 256; i++)
		buf_printf(b, "a%d=1&", i);
	ok(read(form_new(mem), type, b->data) == OK, "body_read takes 256 fields");
	buf_str(b, "z=1");
	ok(read(form_new(mem), type, b->data) == ERR_TOO_LARGE, "... and not 257");
}

static void json(void *mem)
{
	struct form *f = form_new(mem);

	ok(read(f, "application/json", "{\"a\":1,\"b\":[1,2]}") == OK,
	    "body_read reads JSON");
	is_text(form_get(f, "a"), "1", "... its values");
	ok(read(form_new(mem), "application/json", "{\"a\":") == ERR_MALFORMED,
	    "body_read refuses JSON cut short");
	ok(strpbrk(why, "0123456789") != NULL, "... naming the position: %s", why);
	ok(read(form_new(mem), "application/json", "[1]") == ERR_MALFORMED,
	    "... an array");
	ok(read(form_new(mem), "application/json", "{} x") == ERR_MALFORMED,
	    "... a tail");
	ok(read(form_new(mem), "application/jsonx", "{}") == ERR_TYPE,
	    "... another type");
	ok(read(form_new(mem), NULL, "{}") == ERR_TYPE, "... no type");
	ok(read(form_new(mem), NULL, "") == OK,
	    "body_read takes an empty body of no type");
}

static void multipart(void *mem)
{
	struct form *f = form_new(mem);
	const struct form_file *file;

	ok(parts(f,
	       "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
	       "--xYz\r\ncontent-disposition: form-data; name=\"file\"; "
	       "filename=\"C:\\temp\\l %22q%22.csv\"\r\nContent-Type: text/csv\r\n\r\n"
	       "email\r\n--xY\r\n\0\r\n--xYz--\r\n") == ERR_MALFORMED,
	    "body_read refuses a form cut at a NUL");
	f = form_new(mem);
	ok(parts(f,
	       "preamble\r\n--xYz\r\nContent-Disposition: form-data; "
	       "name=\"a\"\r\n\r\none"
	       "\r\n--xYz\r\ncontent-disposition: form-data; name=\"file\"; "
	       "filename=\"C:\\temp\\l %22q%22.csv\"\r\nContent-Type: text/csv\r\n\r\n"
	       "email\r\n--xY\r\nb@c\r\n--xYz--\r\n") == OK,
	    "body_read reads fields and files");
	is_text(form_get(f, "a"), "one", "... the field");
	file = form_file(f, "file");
	ok(file != NULL && file->len == 16 &&
		memcmp(file->data, "email\r\n--xY\r\nb@c", 16) == 0,
	    "... the file, to the byte");
	is_text(file ? file->name : NULL, "l \"q\".csv",
	    "... its name without the folders");
	is_text(file ? file->type : NULL, "text/csv", "... its type");
}

static void multipart_edges(void *mem)
{
	struct form *f = form_new(mem);

	ok(parts(f,
	       "--xYz\r\nContent-Disposition: form-data; "
	       "name=\"a\"\r\n\r\n\r\n--xYz\r\n"
	       "Content-Disposition: form-data; name=\"f\"; "
	       "filename=\"\"\r\n\r\n\r\n--xYz--") == OK,
	    "body_read reads empty parts");
	is_text(form_get(f, "a"), "", "... as empty text");
	ok(form_file(f, "f") == NULL, "... and no file where none was chosen");
	ok(parts(form_new(mem), "--xYz\r\n\r\nx\r\n--xYz--") == ERR_MALFORMED,
	    "body_read refuses a part without a name");
	ok(parts(form_new(mem),
	       "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none") ==
		ERR_MALFORMED,
	    "... a form that ends early");
	ok(parts(form_new(mem), "--other\r\n") == ERR_MALFORMED,
	    "... another boundary");
	ok(parts(form_new(mem), "--xYz--") == OK, "body_read takes a form of no parts");
	ok(parts(form_new(mem), "--xYz") == ERR_MALFORMED,
	    "... refuses half a delimiter");
	ok(parts(form_new(mem),
	       "--xYz\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n"
	       "--xYz--") == ERR_MALFORMED,
	    "... text that is no UTF-8");
	ok(read(form_new(mem), "multipart/form-data", "--x--") == ERR_MALFORMED,
	    "... no boundary");
	ok(read(form_new(mem), "multipart/form-data; boundary=\"a b\"", "--a b--") ==
		OK,
	    "body_read takes a quoted boundary");
}

static void multipart_count(void *mem)
{
	struct buf *b = buf_new(mem);
	size_t len;

	for (int i = 0; i < 64; i++)
		buf_printf(b,
		    "--xYz\r\nContent-Disposition: form-data; name=\"a%d\"\r\n\r\n"
		    "v\r\n",
		    i);
	len = b->len;
	buf_str(b, "--xYz--\r\n");
	ok(parts(form_new(mem), b->data) == OK, "body_read takes 64 parts");
	buf_cut(b, len);
	buf_str(b,
	    "--xYz\r\nContent-Disposition: form-data; "
	    "name=\"z\"\r\n\r\nv\r\n--xYz--\r\n");
	ok(parts(form_new(mem), b->data) == ERR_TOO_LARGE, "... and not 65");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	urlencoded(mem);
	json(mem);
	multipart(mem);
	multipart_edges(mem);
	multipart_count(mem);
	return done_testing();
}

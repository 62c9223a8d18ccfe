#include "send/sigv4.h"

#include <string.h>

#include "tap.h"

/* The secret key of AWS's documentation; signatures from there, or from an independent
 * script. */
static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

static const char *signature(char auth[SIGV4_AUTH])
{
	const char *s = strstr(auth, "Signature=");

	return s ? s + 10 : "";
}

static void test_documented(void)
{
	struct sigv4 s = { .key_id = "AKIDEXAMPLE",
		.secret = secret,
		.region = "us-east-1",
		.service = "iam" };
	struct sigv4_header h[] = {
		{ "content-type", "application/x-www-form-urlencoded; charset=utf-8" },
		{ "host", "iam.amazonaws.com" },
		{ "x-amz-date", "20150830T123600Z" },
	};
	char hash[SIGV4_HASH], auth[SIGV4_AUTH];
	struct sigv4_request r = { "GET", "/", "Action=ListUsers&Version=2010-05-08", h,
		3, hash, "20150830T123600Z" };

	sigv4_hash("", 0, hash);
	is_text(hash,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "sigv4_hash hashes nothing");
	ok(sigv4_sign(&s, &r, auth) == OK, "sigv4_sign signs");
	is_text(auth,
	    "AWS4-HMAC-SHA256 "
	    "Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-date, "
	    "Signature="
	    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
	    "sigv4_sign signs as AWS's documentation does");
}

static void test_days(void)
{
	struct sigv4 s = { .key_id = "AKIDEXAMPLE",
		.secret = secret,
		.region = "us-east-1",
		.service = "service" };
	struct sigv4_header h[] = {
		{ "host", "example.amazonaws.com" },
		{ "x-amz-date", "20150830T123600Z" },
	};
	char hash[SIGV4_HASH], auth[SIGV4_AUTH], first[SIGV4_AUTH];
	struct sigv4_request r = { "GET", "", "", h, 2, hash, "20150830T123600Z" };

	sigv4_hash("", 0, hash);
	ok(sigv4_sign(&s, &r, first) == OK, "sigv4_sign signs without a path");
	is_text(signature(first),
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
	    "sigv4_sign gives the signature of AWS's test suite (get-vanilla)");
	h[1].value = r.date = "20150831T123600Z";
	ok(sigv4_sign(&s, &r, auth) == OK && strcmp(auth, first) != 0,
	    "sigv4_sign makes a new key for a new day");
	h[1].value = r.date = "20150830T123600Z";
	ok(sigv4_sign(&s, &r, auth) == OK, "sigv4_sign signs for a day gone by");
	is_text(auth, first, "sigv4_sign comes back to the same signature");
}

static void test_post(void)
{
	struct sigv4 s = { .key_id = "AKIDEXAMPLE",
		.secret = secret,
		.region = "eu-central-1",
		.service = "ses" };
	char hash[SIGV4_HASH], auth[SIGV4_AUTH], date[SIGV4_DATE];
	struct sigv4_header h[] = {
		{ "content-type", "application/json" },
		{ "host", "email.eu-central-1.amazonaws.com" },
		{ "x-amz-content-sha256", hash },
		{ "x-amz-date", date },
	};
	struct sigv4_request r = { "POST", "/v2/email/outbound-emails", "", h, 4, hash,
		date };

	sigv4_date(1795510800999, date);
	is_text(date, "20261124T090000Z", "sigv4_date writes the time");
	sigv4_hash("{\"a\":1}", 7, hash);
	ok(sigv4_sign(&s, &r, auth) == OK, "sigv4_sign signs a body");
	is_text(signature(auth),
	    "d61cc0fd9fe50bddf5649a75d1d21989f8ea281362e6523ec5c2897dfd9ba53d",
	    "sigv4_sign agrees with an independent script");
}

int main(void)
{
	test_documented();
	test_days();
	test_post();
	return done_testing();
}

#include "service/import_encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	LOOKED_AT = 64 * 1024,
	BLOCK = 4096,
	FEW_LETTERS = 8, /* fewer than these tell little */
	COMMON = 4,
	RARE = 2,
	HAN = 1, /* a character of thousands, of which few can be listed */
	STRANGE = -2,
	ODD = -6
};

/* clang-format off */
static const struct {
	const char *name, *label;
} encodings[] = {
	{ "utf-8", "UTF-8" },
	{ "windows-1252", "Windows-1252 (Western European)" },
	{ "windows-1250", "Windows-1250 (Central European)" },
	{ "windows-1251", "Windows-1251 (Cyrillic)" },
	{ "windows-1253", "Windows-1253 (Greek)" },
	{ "windows-1254", "Windows-1254 (Turkish)" },
	{ "windows-1255", "Windows-1255 (Hebrew)" },
	{ "windows-1256", "Windows-1256 (Arabic)" },
	{ "windows-1257", "Windows-1257 (Baltic)" },
	{ "iso-8859-1", "ISO-8859-1 (Western European)" },
	{ "iso-8859-2", "ISO-8859-2 (Central European)" },
	{ "iso-8859-5", "ISO-8859-5 (Cyrillic)" },
	{ "iso-8859-7", "ISO-8859-7 (Greek)" },
	{ "iso-8859-9", "ISO-8859-9 (Turkish)" },
	{ "iso-8859-15", "ISO-8859-15 (Western European, with €)" },
	{ "koi8-r", "KOI8-R (Russian)" },
	{ "koi8-u", "KOI8-U (Ukrainian)" },
	{ "macintosh", "Mac Roman" },
	{ "mac-centraleurope", "Mac Central European" },
	{ "mac-cyrillic", "Mac Cyrillic" },
	{ "ibm850", "DOS 850 (Western European)" },
	{ "ibm852", "DOS 852 (Central European)" },
	{ "ibm866", "DOS 866 (Cyrillic)" },
	{ "shift_jis", "Shift-JIS (Japanese)" },
	{ "euc-jp", "EUC-JP (Japanese)" },
	{ "gbk", "GBK (Chinese, simplified)" },
	{ "big5", "Big5 (Chinese, traditional)" },
	{ "euc-kr", "EUC-KR (Korean)" },
	{ "utf-16le", "UTF-16, little endian" },
	{ "utf-16be", "UTF-16, big endian" },
};

/* Other names of them. */
static const char *const aliases[][2] = {
	{ "utf8", "utf-8" }, { "cp932", "shift_jis" }, { "shift-jis", "shift_jis" }, { "sjis", "shift_jis" },
	{ "windows-31j", "shift_jis" }, { "gb2312", "gbk" }, { "gb18030", "gbk" }, { "cp936", "gbk" },
	{ "latin1", "iso-8859-1" }, { "latin2", "iso-8859-2" }, { "ascii", "utf-8" }, { "us-ascii", "utf-8" },
	{ "mac", "macintosh" }, { "macroman", "macintosh" }, { "mac-roman", "macintosh" }, { "cp850", "ibm850" },
	{ "cp852", "ibm852" }, { "cp866", "ibm866" }, { "utf-16", "utf-16le" }, { "utf16", "utf-16le" },
	{ "euc_jp", "euc-jp" }, { "euc_kr", "euc-kr" }, { "cp949", "euc-kr" },
};

/* What our names are to the C library, where it knows better ones. */
static const char *const inner[][2] = { { "shift_jis", "CP932" }, { "gbk", "GB18030" },
	{ "euc-kr", "CP949" }, { "euc-jp", "EUC-JP-MS" }, { "big5", "BIG5-HKSCS" } };

/*
 * A language in an encoding: the letters beyond a-z that its words have, lower case.
 * The earlier of two that fit alike is taken.
 */
static const struct guess {
	const char *encoding, *common, *rare;
} guesses[] = {
	{ "windows-1252", "äöüß", "éèàáçñ" },			/* German */
	{ "windows-1252", "éèàçê", "ëîïôûùâœæ" },		/* French */
	{ "windows-1252", "áéíóúñ", "üç" },			/* Spanish */
	{ "windows-1252", "ãçáéíóúâêõô", "àü" },		/* Portuguese */
	{ "windows-1252", "àèéìòù", "î" },			/* Italian */
	{ "windows-1252", "åäöæøé", "ü" },			/* Nordic */
	{ "windows-1252", "áéíóúýþæöð", "" },			/* Icelandic */
	{ "windows-1252", "éëïèö", "üêç" },			/* Dutch */
	{ "windows-1250", "łąęśćżóńź", "" },			/* Polish */
	{ "windows-1250", "áíéřčšžýěůň", "úďťóö" },		/* Czech */
	{ "windows-1250", "áíéčšžýľúťňô", "ďóäŕĺ" },		/* Slovak */
	{ "windows-1250", "áéóőöüíúű", "" },			/* Hungarian */
	{ "windows-1250", "čćšžđ", "" },			/* Croatian, Slovene */
	{ "windows-1250", "ăâîşţ", "" },			/* Romanian */
	{ "windows-1251", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", "ъёіїєґ" },
	{ "windows-1253", "αοιετσνηυρπκμλςωάέίόήύώ", "θγδχφβξζψϊϋ" },
	{ "windows-1254", "ıışğüöç", "âî" },
	{ "windows-1255", "יוהלאמתנרשבקדעחפסגטכזצםןךףץ", "" },
	{ "windows-1256", "املينرتبدعسوهةحكفقجشصطخغذزضثظىءأإآؤئ", "" },
	{ "windows-1257", "āēīšžūļņķģčęėįųą", "öäüõ" },
	{ "iso-8859-2", "łąęśćżóńź", "" },
	{ "iso-8859-2", "áíéřčšžýěůň", "úďťóö" },
	{ "iso-8859-2", "áéóőöüíúű", "" },
	{ "iso-8859-5", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", "ъёіїєґ" },
	{ "koi8-r", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", "ъё" },
	{ "mac-cyrillic", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", "ъё" },
	{ "ibm866", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф", "ъё" },
	{ "macintosh", "äöüß", "éèàáçñ" },
	{ "macintosh", "éèàçê", "ëîïôûùâœæ" },
	{ "macintosh", "áéíóúñ", "üç" },
	{ "macintosh", "åäöæøé", "ü" },
	{ "mac-centraleurope", "łąęśćżóńź", "" },
	{ "mac-centraleurope", "áíéřčšžýěůň", "úďťóö" },
	{ "ibm850", "äöüß", "éèàáçñ" },
	{ "ibm852", "łąęśćżóńź", "" },
	{ "shift_jis", "のにはをたがでてとしれさいるあうえおかきくけこすせそちつなねひふへほまみむめもやゆよらりろわんアイウエオカキクケコサシスセソタチツテトナニネノハヒフヘホマミムメモヤユヨラリルレロワンー",
	  "田中山本佐藤鈴木高橋伊渡辺村小林加吉子美太郎一二三大川島松井野原清水石上口和東京都市区県社株式会" },
	{ "euc-jp", "のにはをたがでてとしれさいるあうえおかきくけこすせそちつなねひふへほまみむめもやゆよらりろわんアイウエオカキクケコサシスセソタチツテトナニネノハヒフヘホマミムメモヤユヨラリルレロワンー",
	  "田中山本佐藤鈴木高橋伊渡辺村小林加吉子美太郎一二三大川島松井野原清水石上口和東京都市区県社株式会" },
	{ "gbk", "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年同工也能下过子王李张刘陈杨赵黄周吴徐孙胡朱"
	  "高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔"
	  "康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文",
	  "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂姓名邮箱电话地址城市北京海广州深圳公司客户订" },
	{ "big5", "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年同工也能下過子陳林黃張李王吳劉蔡楊許鄭謝郭洪邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余趙盧梁顏柯孫魏翁戴范宋方鄧杜傅侯曹",
	  "姓名郵箱電話地址城市台北灣臺公司客戶訂美志明淑芬雅婷怡君俊傑家豪" },
	{ "euc-kr", "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구나진지민수현영은경희준호이가의는을를에서과와도로다고하시기사인스리자아대일해부제연상보세라여원선동미",
	  "름메일주소회관국도시" },
};
/* clang-format on */

enum { NGUESSES = sizeof(guesses) / sizeof(*guesses) };

const char *import_encoding_at(size_t i)
{
	return i < sizeof(encodings) / sizeof(*encodings) ? encodings[i].name : NULL;
}

const char *import_encoding_label(const char *name)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++)
		if (text_equal(encodings[i].name, name))
			return encodings[i].label;
	return name;
}

const char *import_encoding_from(const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "encoding");
	const char *low = text_lower(tmp, name);

	if (text_starts(low, "cp125") && strlen(low) == 6)
		low = mem_printf(tmp, "windows-%s", low + 2);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (text_equal(low, aliases[i][0]))
			low = aliases[i][1];
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++)
		if (text_equal(low, encodings[i].name))
			return encodings[i].name;
	return NULL;
}

/* ---- decoding ---- */

static int closed(iconv_t *cd)
{
	iconv_close(*cd);
	return 0;
}

static iconv_t opened(void *mem, const char *to, const char *encoding)
{
	iconv_t *cd = mem_new(mem, iconv_t);

	for (size_t i = 0; i < sizeof(inner) / sizeof(*inner); i++)
		if (text_equal(encoding, inner[i][0]))
			encoding = inner[i][1];
	*cd = iconv_open(to, encoding);
	if (*cd == (iconv_t)-1)
		return *cd;
	mem_on_free(cd, closed);
	return *cd;
}

void import_encoding_decode(const char *encoding, const char *data, size_t len,
    struct buf *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "iconv");
	iconv_t cd = opened(tmp, "UTF-8", encoding);
	char block[BLOCK], *in = mem_copy(tmp, data, len);

	if (cd == (iconv_t)-1) {
		buf_str(out, text_from_latin1(tmp, data, len));
		return;
	}
	while (len > 0) {
		char *to = block;
		size_t room = sizeof(block), got = iconv(cd, &in, &len, &to, &room);
		bool bad = got == (size_t)-1 && errno != E2BIG;

		buf_add(out, block, sizeof(block) - room);
		if (!bad)
			continue;
		buf_str(out, "\xEF\xBF\xBD");
		in++;
		len--;
	}
}

/* ---- guessing ---- */

/* The sample as characters; fewer than one byte in fifty may be nonsense. */
static wchar_t *characters(void *mem, const char *encoding, const char *data,
    size_t len, size_t *n)
{
	struct buf *b = buf_new(mem);
	iconv_t cd = opened(mem, "UTF-8", encoding);
	wchar_t *out = mem_array(mem, wchar_t, len + 1);
	const char *p;
	uint32_t c;

	*n = 0;
	if (cd == (iconv_t)-1)
		return out;
	import_encoding_decode(encoding, data, len, b);
	for (p = b->data; *p;) {
		unsigned char u = (unsigned char)*p++;
		int more = u >= 0xF0 ? 3 : u >= 0xE0 ? 2 : u >= 0xC0 ? 1 : 0;

		c = more == 3 ? u & 7u : more == 2 ? u & 15u : more ? u & 31u : u;
		while (more-- > 0 && *p)
			c = c << 6 | ((unsigned char)*p++ & 63u);
		out[(*n)++] = (wchar_t)c;
	}
	return out;
}

/* Lower case of Latin, Greek and Cyrillic, whatever the locale. */
static wchar_t lower(void *mem, wchar_t c)
{
	struct buf *b;

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c >= 0x600)
		return c;
	b = buf_new(mem);
	buf_char(b, (char)(0xC0 | c >> 6));
	buf_char(b, (char)(0x80 | (c & 0x3F)));
	const char *low = text_lower(mem, b->data);
	unsigned char u = (unsigned char)low[0];

	if (u < 0x80 || u >= 0xE0)
		return c;
	return (wchar_t)((u & 31) << 6 | ((unsigned char)low[1] & 63));
}

static bool has(const wchar_t *set, wchar_t c)
{
	return c && wcschr(set, c) != NULL;
}

static wchar_t *set_of(void *mem, const char *utf8)
{
	size_t n;

	return characters(mem, "utf-8", utf8, strlen(utf8), &n);
}

static bool is_ascii_letter(wchar_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Scripts that no word mixes with a-z. */
static bool is_other_script(wchar_t c)
{
	return c >= 0x370 && c != 0xFFFD;
}

static bool is_sign(wchar_t c)
{
	return (c >= 0x80 && c < 0xC0 && c != 0xAA && c != 0xBA && c != 0xB5) ||
	    c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c < 0x3000) || c == 0xFFFD;
}

/* Signs that text has between words in any language. */
static bool is_plain_sign(wchar_t c)
{
	return c == 0xA0 || c == 0xAB || c == 0xBB || c == 0xA7 || c == 0xB0 ||
	    c == 0x20AC || (c >= 0x2010 && c <= 0x2026);
}

/* How well the character at i fits where it stands. */
static int fits(void *mem, const wchar_t *s, size_t i, const wchar_t *common,
    const wchar_t *rare)
{
	wchar_t c = s[i], before = i ? s[i - 1] : ' ', after = s[i + 1], low;

	if (c == 0xFFFD || (c >= 0x80 && c < 0xA0))
		return ODD * 4;
	if (is_sign(c)) {
		if (is_ascii_letter(before) || is_ascii_letter(after) ||
		    !is_plain_sign(c))
			return ODD;
		return 0;
	}
	if (is_other_script(c) && (is_ascii_letter(before) || is_ascii_letter(after)))
		return ODD;
	low = lower(mem, c);
	/* Capitals within a word */
	if (low != c &&
	    ((before >= 'a' && before <= 'z') ||
		(before >= 0x80 && lower(mem, before) == before && !is_sign(before))))
		return ODD;
	if (has(common, low))
		return COMMON;
	if (has(rare, low))
		return RARE;
	return c >= 0x4E00 && c < 0xA000 ? HAN : STRANGE;
}

/* Points for each byte beyond ASCII, times 100. */
static int64_t score(const struct guess *g, const char *data, size_t len, size_t high)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "score");
	size_t n;
	wchar_t *s = characters(tmp, g->encoding, data, len, &n),
		*common = set_of(tmp, g->common), *rare = set_of(tmp, g->rare);
	int64_t points = 0, wide;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < 0x80)
			continue;
		/* A character of two bytes counts as two */
		wide = s[i] >= 0x3000 && s[i] != 0xFFFD ? 2 : 1;
		points += wide * fits(tmp, s, i, common, rare);
	}
	return points * 100 / (int64_t)high;
}

const char *import_encoding_guess(const char *data, size_t len, bool *doubtful)
{
	int64_t best = INT64_MIN, next = INT64_MIN;
	size_t high = 0, at = 0;

	if (len > LOOKED_AT)
		len = LOOKED_AT;
	for (size_t i = 0; i < len; i++)
		high += (unsigned char)data[i] > 127;
	if (high == 0)
		high = 1;
	for (size_t i = 0; i < NGUESSES; i++) {
		int64_t n = score(&guesses[i], data, len, high);

		if (n > best) {
			if (!text_equal(guesses[at].encoding, guesses[i].encoding))
				next = best;
			best = n;
			at = i;
		} else if (n > next &&
		    !text_equal(guesses[at].encoding, guesses[i].encoding)) {
			next = n;
		}
	}
	*doubtful = high < FEW_LETTERS || best < 2 * 100 || best - next < 50;
	return guesses[at].encoding;
}

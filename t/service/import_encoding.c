#include "service/import_encoding.h"

#include <iconv.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

/* Rows as people have them, and the encodings in which they come. */
static const struct {
	const char *text, *encodings;
} files[] = {
	/* clang-format off */
	{ "Imię;Nazwisko\nStanisław;Wójcik\nElżbieta;Kowalczyk-Śliwińska\nMałgorzata;Źródłowska\n",
	  "windows-1250 iso-8859-2 ibm852 mac-centraleurope" },
	{ "Jméno;Příjmení\nJiří;Dvořák\nZdeněk;Šťastný\nŽaneta;Krůtová\nBožena;Němcová\n", "windows-1250 iso-8859-2" },
	{ "Név\nÁgnes Szőke\nLászló Kőszegi\nGyörgyi Fűtő\nZsófia Üveges\n", "windows-1250" },
	{ "Vorname;Ort\nJürgen;Köln\nBärbel;Düsseldorf\nSöhnke;Großenhain\nUte;Fürth\n", "windows-1252 macintosh ibm850" },
	{ "Prénom;Ville\nHélène;Orléans\nFrançoise;Besançon\nJérôme;Nîmes\nAgnès;Sète\n", "windows-1252 macintosh" },
	{ "Nombre;Ciudad\nJosé;Málaga\nÍñigo;Logroño\nMaría;Cádiz\nBegoña;León\n", "windows-1252" },
	{ "Имя;Город\nОльга;Москва\nСергей;Саратов\nНаталья;Екатеринбург\nЮлия;Пермь\n",
	  "windows-1251 koi8-r iso-8859-5 ibm866" },
	{ "Όνομα;Πόλη\nΓιώργος;Αθήνα\nΕλένη;Θεσσαλονίκη\nΔημήτρης;Πάτρα\n", "windows-1253" },
	{ "Ad;Şehir\nIşıl;İzmir\nGökhan;Eskişehir\nÇiğdem;Muğla\nŞükrü;Iğdır\n", "windows-1254" },
	{ "שם;עיר\nיעל;תל אביב\nמשה;ירושלים\nרחל;חיפה\n", "windows-1255" },
	{ "الاسم;المدينة\nمحمد;القاهرة\nفاطمة;بيروت\nأحمد;عمان\n", "windows-1256" },
	{ "Vārds;Pilsēta\nJānis;Rīga\nKristīne;Jūrmala\nGatis;Ķekava\nŽanis;Cēsis\n", "windows-1257" },
	{ "名前;都市\n田中さくら;東京\n鈴木ヒロシ;大阪\n佐藤みどり;横浜\n", "shift_jis euc-jp" },
	{ "姓名;城市\n王芳;北京\n李伟;上海\n张敏;广州\n刘洋;深圳\n陈静;成都\n", "gbk" },
	{ "姓名;城市\n陳怡君;台北\n林志明;高雄\n黃淑芬;新竹\n張家豪;台中\n", "big5" },
	{ "이름;도시\n김민수;서울\n이지은;부산\n박서준;대구\n최영희;인천\n", "euc-kr" },
	/* clang-format on */
};

static char *encoded(void *mem, const char *to, const char *text, size_t *len)
{
	iconv_t cd = iconv_open(to, "UTF-8");
	char *in = mem_str(mem, text), *out = mem_zero(mem, strlen(text) * 2 + 1, "x"),
	     *at = out;
	size_t left = strlen(text), room = strlen(text) * 2;

	if (iconv(cd, &in, &left, &at, &room) == (size_t)-1)
		diag("%s cannot hold the text", to);
	iconv_close(cd);
	*len = (size_t)(at - out);
	return out;
}

static void one(const char *text, const char *encoding)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "test");
	struct buf *back = buf_new(tmp);
	size_t len;
	char *data = encoded(tmp, encoding, text, &len);
	bool doubtful;
	const char *got = import_encoding_guess(data, len, &doubtful);

	import_encoding_decode(got, data, len, back);
	is_text(back->data, text, "import_encoding_guess finds %s (says %s%s)",
	    encoding, got, doubtful ? ", doubtfully" : "");
}

int main(void)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "test");
	struct buf *b = buf_new(tmp);
	bool doubtful = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *all = mem_str(tmp, files[i].encodings), *word;

		while ((word = strsep(&all, " ")))
			one(files[i].text, word);
	}
	(void)import_encoding_guess("Zo\xEB\n", 4, &doubtful);
	ok(doubtful, "one letter is doubtful");
	for (size_t i = 0; import_encoding_at(i); i++) {
		const char *name = import_encoding_at(i);

		is_text(import_encoding_from(name), name, "%s is known by its name",
		    name);
		ok(text_equal(name, "utf-8") ||
			!text_equal(import_encoding_label(name), name),
		    "and people read another");
		iconv_t cd = iconv_open("UTF-8", name);

		ok(cd != (iconv_t)-1, "and it can be read");
		iconv_close(cd);
	}
	is_text(import_encoding_from("CP1250"), "windows-1250", "other names do");
	ok(!import_encoding_from("klingon"), "nonsense does not");
	import_encoding_decode("windows-1253",
	    "a\xFF"
	    "b",
	    3, b);
	is_text(b->data,
	    "a\xEF\xBF\xBD"
	    "b",
	    "a byte without meaning costs itself");
	return done_testing();
}

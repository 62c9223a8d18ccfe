#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tap.h"
#include "view/liquid.h"

/*
 * What opened other engines: objects behind values, programs, files, environment,
 * network.  Here it is a sentence, or text in which nothing of this machine stands.
 */
static const char *const reaching[] = {
	"{{ 7*7 }}",
	"${7*7}",
	"#{7*7}",
	"<%= 7*7 %>",
	"*{7*7}",
	"@(7*7)",
	"{{= 7*7 }}",
	"{{ env }}",
	"{{ env.MAILLAYER_CANARY }}",
	"{{ 'MAILLAYER_CANARY' | env }}",
	"{{ 'MAILLAYER_CANARY' | getenv }}",
	"{{ ENV['MAILLAYER_CANARY'] }}",
	"{{ env('MAILLAYER_CANARY') }}",
	"{{ expandenv \"$MAILLAYER_CANARY\" }}",
	"{{ $_ENV.MAILLAYER_CANARY }}",
	"{{ process.env.MAILLAYER_CANARY }}",
	"{{ system.environment.MAILLAYER_CANARY }}",
	"{{ config }}",
	"{{ settings }}",
	"{{ config.items() }}",
	"{{ self }}",
	"{{ this }}",
	"{{ _self }}",
	"{{ globals }}",
	"{{ _context | json }}",
	"{{ context | json }}",
	"{{ '' | json: _context }}",
	"{{ dump(app) }}",
	"{{ app.request.server.all|join(',') }}",
	"{% debug %}",
	"{{ _self.env.registerUndefinedFilterCallback('exec') }}",
	"{{ _self.env.getFilter('id') }}",
	"{{ ['id']|filter('system') }}",
	"{{ ['id']|map('passthru') }}",
	"{{ ['cat /etc/passwd']|sort('system') }}",
	"{{ [0]|reduce('system','id') }}",
	"{{ 'id'|filter('system') }}",
	"{{ '/etc/passwd' | file_excerpt(1,30) }}",
	"{{ source('/etc/passwd') }}",
	"{{ include('/etc/passwd') }}",
	"{{ '/etc/passwd' | file }}",
	"{{ '/etc/passwd' | read_file }}",
	"{{ '/etc/passwd' | include }}",
	"{% include '/etc/passwd' %}",
	"{% include '../../../etc/passwd' %}",
	"{% include 'file:///etc/passwd' %}",
	"{% include 'http://127.0.0.1/' %}",
	"{% include 'partials/head' %}",
	"{% render '/etc/passwd' %}",
	"{% render 'partials/head' %}",
	"{% layout 'layout' %}",
	"{% layout '/etc/passwd' %}",
	"{% extends '/etc/passwd' %}",
	"{% import '/etc/passwd' as x %}",
	"{% from 'os' import popen %}",
	"{% load os %}",
	"{% ssi /etc/passwd %}",
	"{% source '/etc/passwd' %}",
	"{% use '/etc/passwd' %}",
	"{% embed '/etc/passwd' %}",
	"{% include x %}",
	"{% assign f = '/etc/passwd' %}{% include f %}",
	"{% capture f %}/etc/passwd{% endcapture %}{% render f %}",
	"{{ ''.__class__ }}",
	"{{ ''.__class__.__mro__[1].__subclasses__() }}",
	"{{ ''['__class__']['__base__']['__subclasses__']() }}",
	"{{ x.__class__.__init__.__globals__ }}",
	"{{ o.__proto__ }}",
	"{{ o['__proto__'] }}",
	"{{ o.constructor }}",
	"{{ o.constructor.constructor('return process')() }}",
	"{{ l.constructor }}",
	"{{ x.constructor }}",
	"{{ o.prototype }}",
	"{{ o.toString }}",
	"{{ o | attr('__class__') }}",
	"{{ x | attr: '__init__' }}",
	"{{ request }}",
	"{{ request.application.__globals__ }}",
	"{{ cycler.__init__.__globals__.os }}",
	"{{ lipsum.__globals__['os'].popen('id').read() }}",
	"{{ joiner.__init__ }}",
	"{{ namespace.__init__.__globals__.os.popen('id').read() }}",
	"{{ get_flashed_messages }}",
	"{{ url_for.__globals__ }}",
	"{{ config.from_object('os') }}",
	"{{ range.constructor }}",
	"{{ 'a'.getClass() }}",
	"{{ 'a'.class }}",
	"{{ 'a'.getClass().forName('java.lang.Runtime') }}",
	"${T(java.lang.Runtime).getRuntime().exec('id')}",
	"#set($x='')$x.class",
	"<#assign ex='freemarker.template.utility.Execute'?new()>${ex('id')}",
	"${'freemarker.template.utility.Execute'?new()('id')}",
	"{{ php }}",
	"{php}system('id');{/php}",
	"{{#with 'x' as |s|}}{{lookup s 'constructor'}}{{/with}}",
	"{{ template 'x' }}",
	"{{ define 'x' }}",
	"{{ printf '%s' . }}",
	"{{ call .System 'id' }}",
	"{{ .Env.MAILLAYER_CANARY }}",
	"{{ . }}",
	"{{ .. }}",
	"{{ html . }}",
	"{{ js . }}",
	"{{ range $k, $v := . }}",
	"<%= `id` %>",
	"<%= File.read('/etc/passwd') %>",
	"<%= ENV['MAILLAYER_CANARY'] %>",
	"#{`id`}",
	"= system('id')",
	"<? system('id') ?>",
	"<%@ include file=x %>",
	"{{ o | system }}",
	"{{ 'id' | exec }}",
	"{{ 'id' | shell }}",
	"{{ 'id' | popen }}",
	"{{ 'id' | eval }}",
	"{{ 'x' | constantize }}",
	"{{ 'x' | send: 'id' }}",
	"{{ 'x' | public_send: 'id' }}",
	"{{ 'http://127.0.0.1/' | get }}",
	"{{ 'http://169.254.169.254/' | fetch }}",
	"{{ 'http://127.0.0.1' | http }}",
	"{{ 'SELECT 1' | sql }}",
	"{{ 'x' | raw }}",
	"{{ x | raw_html }}",
	"{{ x | safe }}",
	"{{ x | html_safe }}",
	"{{{ x }}}",
	"{{& x }}",
	"{% autoescape false %}{{ x }}{% endautoescape %}",
	"{% raw_html %}{{ x }}{% endraw_html %}",
	"{{ x | unescape }}",
	"{{ page }}",
	"{{ page.csrf }}",
	"{{ page.me.email }}",
	"{{ it }}",
	"{{ it | json }}",
	"{{ page | json }}",
	"{{ extra | json }}",
	"{{ secret }}",
	"{{ key }}",
	"{{ password }}",
	"{{ csrf }}",
	"{{ session }}",
	"{{ cookies }}",
	"{{ keyring }}",
	"{% liquid include '/etc/passwd' %}",
	"{% liquid\n assign x = env\n echo x %}",
	"{% javascript %}x{% endjavascript %}",
	"{% schema %}{}{% endschema %}",
	"{% section '/etc/passwd' %}",
	"{% content_for 'x' %}",
	"{% form 'x' %}{% endform %}",
	"{% paginate l by 1 %}{% endpaginate %}",
	"{% style %}{{ x }}{% endstyle %}",
	"{{ 'x' | asset_url }}",
	"{{ content_for_header }}",
	"{{ \"%s\" | format: o }}",
	"{{ '%n%n%s%s' | append: x }}",
	"{{ 'x' | date: '%n%s%n' }}",
	"{{ \"\\x00\" }}",
	"{{ '\\u0000' | json }}",
};

/* Does the output hold something of this machine, or a value without its escape? */
static bool leaks(const char *out)
{
	return strstr(out, "nobody-may-see") || strstr(out, "root:") ||
	    strstr(out, "uid=") || strstr(out, "\"><script>") || strcmp(out, "49") == 0;
}

static bool leaking(const char *template)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "reach");
	const struct liquid_options mail = { .escape = LIQUID_HTML };
	struct json_object *data = json_obj(mem);
	struct buf *out = buf_new(mem);
	struct liquid_error error;
	struct liquid *l;

	json_set_text(data, "x", "\"><script>");
	json_set(data, "o", json_set_text(json_obj(mem), "k", "v"));
	json_set(data, "l", json_arr(mem));
	if (liquid_compile(mem, template, strlen(template), &mail, &l, &error) != OK ||
	    liquid_render(l, mem, data, out, &error) != OK)
		return !error.text[0];
	return leaks(out->data);
}

int main(void)
{
	setenv("MAILLAYER_CANARY", "what-nobody-may-see", 1);
	for (size_t i = 0; i < sizeof(reaching) / sizeof(*reaching); i++)
		ok(!leaking(reaching[i]), "liquid_render stays inside: %s",
		    reaching[i]);
	ok(leaking("what-nobody-may-see"), "... and this test would see it");
	return done_testing();
}

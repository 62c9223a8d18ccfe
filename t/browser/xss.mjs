// Hostile text in every column of the database that holds text, then every page in Chromium: no
// script runs, no element is made of data.  New tables and columns are poisoned without being named
// here; what is no free text is in `kept`.  Then hostile queries and forms, and the author's HTML in
// its frame.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { done, is, ok, openBrowser, person, startSite, top, until } from './lib.mjs';

const site = await startSite();
process.on('exit', () => site.child.kill('SIGINT'));
const browser = await openBrowser();
const context = await browser.newContext({ userAgent: `${person} ${hostile('agent')}` });
const page = await context.newPage();

// Breaks out of text, of an attribute in either quotes, of a script, a style and a comment.
function hostile(name) {
	return `"'--></script></style></textarea></title><img src=x id=xss-${name} onerror=alert(1)><svg onload=alert(2)>\`\${alert(3)}`;
}

const dialogs = [], violations = [];
page.on('dialog', async (d) => { dialogs.push(`${page.url()}: ${d.message()}`); await d.dismiss(); });
page.on('pageerror', (e) => violations.push(`${page.url()}: ${e.message}`));
await context.exposeBinding('tellViolation', (from, text) => {
	if (from.frame === page.mainFrame())
		violations.push(`${page.url()}: ${text}`);
});
await context.addInitScript(() => {
	document.addEventListener('securitypolicyviolation',
		(e) => window.tellViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
});

function sql(text) {
	return execFileSync('sqlite3', ['-json', join(site.state, 'maillayer.db')],
		{ stdio: ['pipe', 'pipe', 'ignore'], input: `.timeout 5000\n${text}`, encoding: 'utf8', maxBuffer: 64 << 20 });
}
const rows = (text) => JSON.parse(sql(text) || '[]');

// ---- one of everything ----
await page.goto(site.setup);
await page.getByLabel('Your name').fill('Ines');
await page.getByLabel('Email').fill('ines@nordlicht.example');
await page.getByLabel('Password').fill('a patient pour-over');
await page.getByRole('button', { name: 'Create the account' }).click();
await page.waitForLoadState();
const build = process.env.MAILLAYER_BUILD || join(top, 'build');
const key = execFileSync(join(build, 'maillayer'), ['key', 'create', '--all', '--scopes', 'read,write,send,manage',
	'--config', join(site.state, 'maillayer.ini')], { encoding: 'utf8' }).trim();

async function api(method, path, body) {
	const form = body instanceof FormData;
	const r = await fetch(`${site.url}/api/v1${path}`, { method, body: form || !body ? body : JSON.stringify(body),
		headers: { authorization: `Bearer ${key}`, ...(form || !body ? {} : { 'content-type': 'application/json' }) } });
	if (!r.ok)
		throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
	return r.status === 204 ? {} : r.json();
}
const html = '<h1>Hello {{ first_name }}</h1><p><a href="https://shop.example/a">Shop</a></p>'
	+ '<p><a href="javascript:alert(4)" id="js">x</a></p><script>document.title = "ran"; window.ran = 1</script>'
	+ '<img src="x" onerror="window.ran = 2"><svg onload="window.ran = 3"></svg>'
	+ '<form action="https://evil.example/"><input name="p"><button id="go">Go</button></form>'
	+ '<iframe src="javascript:parent.ran = 4"></iframe><object data="data:text/html,<script>parent.ran=5</script>"></object>'
	+ '<base href="https://evil.example/"><p>{{ unsubscribe_url }}</p>';
const brand = `/brands/${(await api('POST', '/brands', { name: 'Nordlicht', from_name: 'Nordlicht',
	from_email: 'hello@nordlicht.example', postal_address: 'Limmerstrasse 58', time_zone: 'UTC' })).id}`;
const list = (await api('POST', `${brand}/lists`, { name: 'Newsletter', description: 'x' })).id;
await api('POST', `${brand}/fields`, { key: 'city', label: 'City' });
await api('POST', `${brand}/fields`, { key: 'tea', label: 'Tea', type: 'choice', choices: ['green', 'black'] });
for (let n = 1; n <= 12; n++)
	await api('POST', `${brand}/subscribers`, { email: `p${n}@x.example`, first_name: 'Ann', last_name: 'Lind',
		fields: { city: 'Oslo', tea: 'green' }, tags: ['vip'], lists: [list] });
const draft = (await api('POST', `${brand}/campaigns`, { name: 'Draft', subject: 'Hi {{ first_name }}', html, lists: [list] })).id;
// one stays completed, the other will be in trouble
const sentOne = async (name) => {
	const { id } = await api('POST', `${brand}/campaigns`, { name, subject: 'Hi', html, lists: [list] });
	await api('POST', `${brand}/campaigns/${id}/send`, {});
	return id;
};
const report = await sentOne('Completed'), campaign = await sentOne('Sent');
await api('POST', `${brand}/members`, { email: 'ines@nordlicht.example', role: 'admin' });
const people = { name: `people${hostile('file')}.csv`, mimeType: 'text/csv', buffer: Buffer.from('E-Mail,City\nnew@x.example,Oslo\nbad,Bergen\n') };
const file = new FormData();
file.set('file', new Blob([people.buffer], { type: 'text/csv' }), people.name);
await api('POST', `${brand}/imports`, file);
// another waits for somebody to say which column is what
await page.goto(`${site.url}${brand}/imports/new`);
await page.setInputFiles('[name=file]', people);
await page.getByRole('button', { name: /Upload/ }).click();
await page.waitForURL(/imports\/\d+/);
const invited = await api('POST', `${brand}/invitations`, { email: 'ken@x.example', role: 'viewer' });
await api('POST', `${brand}/keys`, { name: 'Robot', scopes: 'read' });
await api('POST', `${brand}/provider/topics`, { topic_arn: 'arn:aws:sns:eu-west-1:123456789012:mail' });
ok(await until(() => rows("SELECT 1 AS n FROM campaigns WHERE status = 'completed'").length === 2, 40),
	'two campaigns are sent');
ok(await until(() => rows('SELECT 1 AS n FROM import_refusals').length > 0, 15), 'a file is imported, a row of it refused');

// An event of every kind, a recipient in every state.
const now = Date.now();
sql(`BEGIN;
${Array.from({ length: 11 }, (_, n) => `INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, link, client, detail, at)
	VALUES (1, ${campaign}, 1, ${n + 1}, 1, 'x', 'x', ${now});`).join('\n')}
UPDATE campaign_subscribers SET state = 3 + id % 7, reason = 'x', bounce = 'x', bounced_at = ${now}
	WHERE campaign_id = ${campaign};
DELETE FROM campaign_counts WHERE campaign_id = ${campaign};
INSERT INTO campaign_counts SELECT campaign_id, state, count(*) FROM campaign_subscribers
	WHERE campaign_id = ${campaign} GROUP BY 1, 2;
UPDATE campaigns SET status = 'paused', pause_reason = 'x' WHERE id = ${campaign};
INSERT INTO suppressions (brand_id, email_key, reason, detail, created_at) VALUES (1, 'p1@x.example', 'bounced', 'x', ${now});
COMMIT;`);

// ---- poison ----
// Words the program reads, keys, hashes: no person typed them.
const kept = new RegExp('^(settings|schema_migrations|spool_files|send_batches|send_leases|idempotency_keys|hook_messages|workers|.*_chunks)\\.'
	+ '|(_key|_hash|_token|_id|_owner|^sessions\\.csrf|\\.(status|state|kind|mode|role|scopes?|type|on_doubt|existing|owner|key|'
	+ 'time_zone|send_zone|source|purpose|provider|algorithm|zone|format|url_key|nonce|hash|effect))$|^suppressions\\.reason$|^consents\\.action$');
const poisoned = [];
const poisonJson = (v, name) => typeof v === 'string' ? v + hostile(name)
	: Array.isArray(v) ? v.map((x) => poisonJson(x, name))
		: v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, poisonJson(x, name)])) : v;
const quote = (s) => `'${String(s).replaceAll("'", "''")}'`;
let update = 'BEGIN;\n';
for (const { name: table } of rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")) {
	for (const c of rows(`PRAGMA table_info(${table})`)) {
		const name = `${table}.${c.name}`;
		if (c.type !== 'TEXT' || kept.test(name))
			continue;
		const mark = `${table}-${c.name}`;
		const some = rows(`SELECT ${c.name} AS v FROM ${table} WHERE ${c.name} IS NOT NULL LIMIT 1`)[0];
		if (some && /^[[{]/.test(some.v)) {
			for (const r of rows(`SELECT DISTINCT ${c.name} AS v FROM ${table} WHERE ${c.name} LIKE '%"%'`))
				update += `UPDATE ${table} SET ${c.name} = ${quote(JSON.stringify(poisonJson(JSON.parse(r.v), mark)))} WHERE ${c.name} = ${quote(r.v)};\n`;
		} else if (name === 'campaigns.html') {
			continue;	// is HTML already: its frame has a test below
		} else {
			update += `UPDATE ${table} SET ${c.name} = ${c.name} || ${quote(hostile(mark))};\n`;
		}
		poisoned.push(mark);
	}
}
update += `UPDATE campaign_links SET url = 'javascript:alert(5)//' || url; COMMIT;`;
sql(update);
ok(poisoned.length > 40, `${poisoned.length} columns are poisoned`);

// ---- looking ----
const wrong = [], shown = new Set();
async function look(where) {
	const found = await page.evaluate(() => {
		const bad = [...document.querySelectorAll('[onerror],[onload],[onclick],[onfocus],[id^="xss-"],script:not([src]),[srcdoc]')]
			.map((e) => e.outerHTML.slice(0, 120));
		for (const e of document.querySelectorAll('[href],[src],[action],[formaction],[data],[hx-get],[hx-post]'))
			for (const a of ['href', 'src', 'action', 'formaction', 'data', 'hx-get', 'hx-post'])
				if (/^[\s\0-\x1f]*(javascript|data|vbscript):/i.test(e.getAttribute(a) || '') && e.tagName !== 'IMG')
					bad.push(e.outerHTML.slice(0, 120));
		return bad;
	});
	for (const f of found)
		wrong.push(`${where}: ${f}`);
	for (const m of (await page.content()).matchAll(/xss-([a-z_]+-[a-z_]+)/g))
		shown.add(m[1]);
}

const patternOf = (path) => path.replace(/\/\d+(?=\/|$)/g, '/{}');
const queue = ['/', '/brands'], seen = new Map(), forms = new Map();
// Pages that no link of this state leads to are asked by their route.
const routes = [...readFileSync(join(top, 'src/web/routes.c'), 'utf8')
	.matchAll(/^\t\{ GET,\s*"([^"]+)", \w+, ([^,]+), \w+, \w+, ([^}]*)\}/gm)]
	.filter((m) => m[2] !== 'NULL' && !/API_ONLY|RAW/.test(m[3]) && !m[1].includes('{*}')).map((m) => m[1]);
function fill(pattern) {
	let noun = '';
	return pattern.split('/').map((part) => {
		const id = part !== '{}' ? part : noun === 'campaigns' ? draft
			: (() => { try { return rows(`SELECT min(id) AS id FROM ${noun === 'outbox' ? 'outbox_messages' : noun}`)[0].id ?? 1; } catch { return 1; } })();
		noun = part;
		return id;
	}).join('/');
}
async function visit(path) {
	const at = new URL(path, site.url), pattern = patternOf(at.pathname);
	const kind = `${pattern}?${[...at.searchParams.keys()].sort()}`;
	const times = seen.get(kind) || 0;
	if (at.origin !== site.url || /\/assets\/|\.csv$|\/raw$|\/t\/|\/u\//.test(at.pathname) || times >= 2 || seen.size > 400)
		return;
	seen.set(kind, times + 1);
	const r = await page.goto(at.href, { waitUntil: 'load' }).catch(() => null);
	if (!r || !/html/.test(r.headers()['content-type'] || '') || /sandbox/.test(r.headers()['content-security-policy'] || ''))
		return;
	if (r.status() >= 500)
		wrong.push(`${at.pathname}: ${r.status()}`);
	await look(at.href.slice(site.url.length));
	for (const href of await page.$$eval('a[href]', (all) => all.map((a) => a.getAttribute('href'))))
		if (!/sign-out/.test(href))
			queue.push(new URL(href, at).href);
	for (const action of await page.$$eval('form[method=post i]', (all) => all.filter((f) => f.querySelector(
		'input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file]),textarea')).map((f) => f.getAttribute('action'))))
		if (!forms.has(patternOf(action || at.pathname)))
			forms.set(patternOf(action || at.pathname), [at.href, action]);
}
for (const path of ['subscribers/1', `campaigns/${report}`, `campaigns/${campaign}`, 'imports/1', 'imports/2'])
	queue.push(`${brand}/${path}`);
while (queue.length)
	await visit(queue.shift());
for (const r of routes) {
	if (![...seen.keys()].some((k) => k.startsWith(`${r}?`)))
		queue.push(fill(r), ...(r.includes('campaigns/{}') ? [fill(r).replace(`campaigns/${draft}`, `campaigns/${campaign}`)] : []));
}
while (queue.length)
	await visit(queue.shift());
// What strangers see: an invitation, leaving.
const leave = rows("SELECT html FROM outbox_messages WHERE html LIKE '%/u/%' LIMIT 1")[0].html.match(/\/u\/[\w-]+/)[0];
for (const path of [leave, ...(invited.url ? [new URL(invited.url).pathname] : []), '/sign-in']) {
	const r = await page.goto(site.url + path);
	ok(r.status() === 200, `${patternOf(path).slice(0, 12)} is there`);
	await look(path);
}
const visited = routes.filter((r) => [...seen.keys()].some((k) => k.startsWith(`${r}?`)));
ok(visited.length === routes.length, `${seen.size} addresses are looked at, every page among them`);
is(wrong.join('\n'), '', 'no element is made of what is stored');

// What people and machines outside type has been seen on a page, or the test would prove nothing.
const must = ['brands-name', 'lists-name', 'fields-label', 'fields-choices', 'subscribers-email', 'subscribers-first_name', 'subscribers-custom',
	'subscriber_tags-tag', 'campaigns-name', 'campaigns-subject', 'campaigns-pause_reason', 'campaign_subscribers-reason', 'imports-file_name',
	'api_keys-name', 'users-name', 'audit_log-ip', 'invitations-email', 'email_events-detail', 'outbox_messages-subject', 'campaign_links-url'];
is(must.filter((m) => !shown.has(m)).join(' '), '', 'what was poisoned is on the pages');
if (process.env.XSS_VERBOSE)
	console.log(`# not on any page: ${poisoned.filter((m) => !shown.has(m)).join(' ')}`);

// ---- in the address ----
wrong.length = 0;
const query = ['q', 'cursor', 'list', 'status', 'tag', 'state', 'part', 'view', 'show', 'as', 'tab', 'name', 'next', 'sort', 'subscriber', 'campaign', 'error']
	.map((n) => `${n}=${encodeURIComponent(n === 'next' ? 'javascript:alert(6)' : hostile(`query-${n}`))}`).join('&');
const patterns = new Set();
for (const kind of [...seen.keys()]) {
	const path = kind.split('?')[0];
	if (patterns.has(path) || !routes.includes(path))
		continue;
	patterns.add(path);
	await page.goto(`${site.url}${fill(path)}?${query}`).catch(() => {});
	await look(`${path} with a hostile query`);
}
await page.goto(`${site.url}/brands/1/${encodeURIComponent(hostile('path')).replaceAll('%2F', '')}`);
await look('a hostile path');
is(wrong.join('\n'), '', 'nor of what stands in an address');

// ---- in forms ----
wrong.length = 0;
let sent = 0;
for (const [action, [href, at]] of forms) {
	if (/sign-(in|out)|setup|password/.test(action))
		continue;
	await page.goto(href);
	const gone = page.waitForNavigation({ timeout: 5000 }).catch(() => null);
	await page.evaluate(([wanted, text]) => {
		const f = [...document.forms].find((x) => x.getAttribute('action') === wanted);
		if (!f)
			return;
		for (const e of f.elements)
			if (/^(text|email|number|search|tel|url|date|datetime-local|password|textarea)$/.test(e.type)) {
				if (e.tagName === 'INPUT')
					e.type = 'text';
				e.removeAttribute('maxlength');
				e.value = text;
			}
		f.noValidate = true;
		HTMLFormElement.prototype.submit.call(f);
	}, [at, hostile('form-field').slice(0, 90)]);
	await gone;
	await look(`${action} sent hostile text`);
	sent++;
}
ok(sent >= 8, `${sent} forms are sent hostile text`);
is(wrong.join('\n'), '', 'nor of what a form gives back');

is(dialogs.join('\n'), '', 'no dialog was opened');
is(violations.join('\n'), '', 'and no page broke its policy or its script');

// ---- the author's HTML in its frame ----
await context.addCookies([{ name: 'visible', value: 'x', url: site.url }]);
for (const [name, path] of [['the preview', `${brand}/campaigns/${draft}/preview`],
	['a mail of the outbox', `${brand}/outbox/${rows('SELECT min(id) AS id FROM outbox_messages')[0].id}/html`]]) {
	const r = await page.goto(site.url + path);
	ok(/Hello/.test(await page.content()), `${name} is there`);
	ok(/^sandbox(?!.*allow-(scripts|same-origin|forms))/.test(r.headers()['content-security-policy']), `${name}: its policy is a sandbox`);
	const inside = await page.evaluate(() => {
		let cookie, storage;
		try { cookie = document.cookie; } catch (e) { cookie = e.name; }
		try { storage = String(localStorage.length); } catch (e) { storage = e.name; }
		return { origin: self.origin, cookie, storage, ran: window.ran ?? 'nothing', title: document.title };
	});
	is(JSON.stringify(inside), JSON.stringify({ origin: 'null', cookie: 'SecurityError', storage: 'SecurityError', ran: 'nothing', title: '' }),
		`${name}: an origin of its own, no cookie, no script, though opened by itself`);
}
await page.goto(`${site.url}${brand}/campaigns/${draft}/content`);
const frame = page.frames().find((f) => /\/preview/.test(f.url()));
ok(frame !== undefined, 'the page of the content shows it in a frame');
const out = await frame.evaluate(() => {
	try { return parent.document.title; } catch (e) { return e.name; }
});
is(out, 'SecurityError', '... which does not reach the page around it');
const before = page.url();
await frame.evaluate(() => { document.querySelector('#go').click(); document.querySelector('#js').click(); });
await page.waitForTimeout(500);
is(page.url(), before, '... whose forms and links of script lead nowhere');
is(context.pages().length, 1, '... and open nothing');
is(dialogs.join('\n'), '', '... nor say anything');

await browser.close();
await site.stop();
done();

// The scripts of the pages, on a page of the test's own, under the Content-Security-Policy that
// real pages have: what violates it counts as a failure.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { done, is, ok, top, until } from './lib.mjs';

const answer = readFileSync(join(top, 'src/http/answer.c'), 'utf8');
const policy = answer.match(/policy\[\] =\s*((?:"[^"]*"\s*)+);/)[1].replace(/"\s*"|"/g, '').trim();
const manifest = JSON.parse(readFileSync(join(top, 'assets/dist/manifest.json'), 'utf8'));
const types = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', woff2: 'font/woff2' };

const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<link rel="stylesheet" href="${manifest['maillayer.css']}"><script src="${manifest['app.js']}" defer></script>
<script src="${manifest['editor.js']}" defer></script></head><body data-csrf="token-1"><main id="main">
<details class="menu" id="menu"><summary>Menu</summary><div class="dropdown-menu">x</div></details>
<form id="draft" method="post" action="/saved" hx-post="/saved" hx-trigger="input delay:50ms, change delay:50ms"
 hx-target="#state" data-guard>
<label>Subject <input type="text" name="subject" value="Hi "></label>
<button type="button" id="insert" data-insert="{{ first_name }}">First name</button>
<textarea class="code code-editor" name="html" data-mode="html" data-problems="#problems [data-line]" aria-label="HTML">&lt;p&gt;{{ a }} &amp;amp; b&lt;/p&gt;</textarea>
</form><p id="state">-</p><p id="problems"><span data-line="1" data-column="4">No such field</span></p>
<form id="gone" method="post" action="/gone"><button id="delete" class="btn btn-danger-plain"
 data-confirm="Delete the list “News”?" data-confirm-text="Its 312 contacts stay." name="act" value="delete">Delete</button></form>
<form id="slow" method="post" action="/slow"><button id="go" name="act" value="go">Go</button></form>
<form id="pick" method="get" action="/picked"><select name="list" data-submit><option>1</option><option>2</option></select></form>
<input id="key" value="secret-key"><button id="copy" data-copy="#key">Copy</button>
<button id="ask" hx-get="/part" hx-target="#state" hx-confirm="Really?">Ask</button>
<button id="out" hx-get="/needs-session" hx-target="#state">Out</button>
<svg class="icon" id="icon"><use href="${manifest['icons.svg']}#send"/></svg>
</main></body></html>`;

const got = [];
let broken = false;

function body(rq) {
	return new Promise(resolve => {
		let s = '';

		rq.on('data', d => { s += d; }).on('end', () => resolve(s));
	});
}

const server = createServer(async (rq, rs) => {
	const path = rq.url.split('?')[0];
	const html = (text, status = 200) => rs.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8',
		'Content-Security-Policy': policy }).end(text);

	if (path.startsWith('/assets/')) {
		const file = readFileSync(join(top, 'assets/dist', path.slice(8)));

		rs.writeHead(200, { 'Content-Type': types[path.split('.').pop()] }).end(file);
		return;
	}
	got.push({ method: rq.method, url: rq.url, csrf: rq.headers['x-csrf-token'], body: await body(rq) });
	if (path === '/needs-session')
		rs.writeHead(303, { Location: '/sign-in' }).end();
	else if (path === '/slow')
		setTimeout(() => html('<title>Slow</title>done'), 1000);
	else if (broken && path === '/saved')
		html('no', 503);
	else
		html(path === '/' ? page : `<title>${path}</title>answer of ${path}`);
});
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
const tab = await context.newPage();
const violations = [];

tab.on('console', m => { if (/Content Security Policy/i.test(m.text())) violations.push(m.text()); });
tab.on('pageerror', e => violations.push(String(e)));
const last = path => got.filter(g => g.url.split('?')[0] === path).at(-1);
const posted = path => new URLSearchParams(last(path)?.body);
const open = async () => { got.length = 0; await tab.goto(url); await tab.waitForSelector('.code-host'); };

// ---- editor ----
await open();
const editor = tab.locator('.cm-content');
is(await tab.locator('textarea.code-editor').isVisible(), false, 'the editor takes the place of its textarea');
ok(/\{\{ a \}\} &amp; b/.test(await editor.innerText()), 'the editor shows the text of the textarea');
is(await tab.locator('.cm-tag-liquid').first().innerText(), '{{ a }}', 'merge tags are marked');
ok(await tab.locator('.cm-gutters').evaluate(e => getComputedStyle(e).display) === 'flex',
	'the editor has its styles under the policy');
ok(await tab.locator('.cm-lint-marker-error').isVisible(), 'a problem is marked at its line');
await editor.click();
await tab.keyboard.press('Control+s');
ok(await until(() => last('/saved'), 5), 'Ctrl+S saves');
await tab.keyboard.press('Control+End');
await tab.keyboard.type('X');
ok(await until(() => posted('/saved').get('html') === '<p>{{ a }} &amp; b</p>X', 5),
	'typing saves what the editor holds');
is(last('/saved').csrf, 'token-1', 'saving carries the CSRF token');
await tab.click('#insert');
ok(await until(() => posted('/saved').get('html')?.endsWith('X{{ first_name }}'), 5),
	'a merge tag goes where the cursor is in the editor');
await tab.fill('input[name=subject]', 'Hi ');
await tab.click('#insert');
ok(await until(() => posted('/saved').get('subject') === 'Hi {{ first_name }}', 5),
	'and into the subject when that was used last');

// ---- a server that fails ----
broken = true;
await tab.fill('input[name=subject]', 'Again');
ok(await until(() => tab.locator('#net-note').isVisible(), 5), 'a failed saving is said');
broken = false;
ok(await until(async () => !(await tab.locator('#net-note').isVisible()), 10), 'and goes when the next one works');
is(posted('/saved').get('subject'), 'Again', 'the saving is tried again by itself');

// ---- dialogs ----
await open();
await tab.click('#delete');
is(await tab.locator('dialog h2').innerText(), 'Delete the list “News”?', 'a dangerous act asks');
is(await tab.locator('dialog p').innerText(), 'Its 312 contacts stay.', 'and says what it does');
await tab.keyboard.press('Escape');
ok(await until(async () => await tab.locator('dialog').count() === 0, 5), 'Escape closes the question');
is(last('/gone'), undefined, 'and nothing was sent');
ok(await until(() => tab.evaluate(() => document.activeElement.id === 'delete'), 5), 'the focus goes back to the button');
await tab.click('#delete');
await tab.click('dialog button[value=yes]');
await tab.waitForURL('**/gone');
is(posted('/gone').get('act'), 'delete', 'yes sends the form with the value of the button');

await open();
await tab.click('#ask');
await tab.click('dialog button[value=yes]');
ok(await until(async () => (await tab.innerText('#state')).includes('/part'), 5), 'hx-confirm asks in the dialog too');

// ---- forms ----
await open();
ok(await tab.evaluate(async () => {
	const go = document.querySelector('#go');

	go.click();
	await new Promise(resolve => { setTimeout(resolve, 50); });
	return go.disabled;
}), 'a button rests after it was pressed');
await tab.waitForURL('**/slow');
is(posted('/slow').get('act'), 'go', 'its value went along');
is(got.filter(g => g.url === '/slow').length, 1, 'once');
await open();
await tab.selectOption('select[name=list]', '2');
await tab.waitForURL('**/picked?list=2');
ok(true, 'a select sends its form');

// ---- the rest ----
await open();
await tab.click('#copy');
ok(await until(async () => await tab.innerText('#copy') === 'Copied', 2), 'copying says so');
is(await tab.evaluate(() => navigator.clipboard.readText()), 'secret-key', 'and has copied');
await tab.click('#menu summary');
await tab.keyboard.press('Escape');
is(await tab.locator('#menu').evaluate(e => e.open), false, 'Escape closes a menu');
await tab.click('#menu summary');
await tab.click('#state');
is(await tab.locator('#menu').evaluate(e => e.open), false, 'a click elsewhere closes a menu');
ok((await tab.locator('#icon').boundingBox()).width === 18, 'an icon has its size');
await tab.click('#out');
await tab.waitForURL('**/sign-in');
ok(true, 'a session that ended leads to the sign-in page, whole');
is(violations.join('\n'), '', 'nothing violates the Content-Security-Policy');

await browser.close();
server.close();
done();

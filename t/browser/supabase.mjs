// Signing in through Supabase Auth in Chromium, from another site and back: who is invited, who is
// not, signing out, and what a page says while Supabase is silent.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { done, is, lookAt, ok, openBrowser, person, shoot, startSite, top } from './lib.mjs';

// "localhost" is another site than 127.0.0.1, as Supabase is another than ours.
const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'node', join(top, 't/fake/gotrue.mjs'), '--host', 'localhost', '--allow', 'http://127.0.0.1:*',
	'--site', 'http://localhost:9/', '--exp', '62'], { stdio: ['ignore', 'pipe', 'inherit'] });
const fake = await new Promise((resolve) => createInterface(child.stdout).once('line',
	(l) => resolve(`http://127.0.0.1:${l.split(' ')[1]}`)));
const ask = async (method, path, body) => (await fetch(fake + path, { method, body: body && JSON.stringify(body) })).json();
const project = await ask('GET', '/_project');
await ask('PUT', '/_people', [{ name: 'Jonas Weber', email: 'jonas@nordlicht.example' },
	{ name: 'Ines at Microsoft', email: 'ines.halvorsen@elsewhere.example' },
	{ name: 'Mallory Stranger', email: 'mallory@elsewhere.example' }]);
Object.assign(process.env, {
	MAILLAYER_SUPABASE_URL: project.url, MAILLAYER_SUPABASE_ANON_KEY: project.anon_key,
	MAILLAYER_SUPABASE_ALGORITHM: 'ES256', MAILLAYER_SUPABASE_PROVIDERS: 'google, github, azure, apple',
});

const site = await startSite();
const browser = await openBrowser();
const fresh = async () => {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, userAgent: person });
	return context.newPage();
};
const text = async (page) => (await page.locator('main').innerText()).replace(/\s+/g, ' ');
const complaints = [];
const hear = (page) => page.on('console', (m) => { if (m.type() === 'error') complaints.push(`${page.url()}: ${m.text()}`); });

// From the sign-in page to the provider, who asks; the person agrees.
async function signIn(page, who, provider = 'Google') {
	await page.goto(`${site.url}/sign-in`);
	await page.getByRole('link', { name: provider }).click();
	await page.waitForURL(/localhost/);
	await page.getByRole('link', { name: who }).click();
	await page.waitForURL(/127\.0\.0\.1/);
}

let page = await fresh();
try {
	// ---- a brand, and an invitation ----
	await page.goto(site.setup);
	await page.getByLabel('Your name').fill('Ines Halvorsen');
	await page.getByLabel('Email').fill('ines@nordlicht.example');
	await page.getByLabel('Password').fill('a patient pour-over');
	await page.getByRole('button', { name: 'Create the account' }).click();
	await page.locator('[name=name]').fill('Nordlicht Coffee');
	await page.locator('[name=from_email]').fill('hello@nordlicht.example');
	await page.locator('[name=postal_address]').fill('Limmerstrasse 58, 30451 Hannover');
	await page.getByRole('button', { name: /Create the brand/ }).click();
	await page.waitForURL(/\/brands\/\d+$/);
	const brand = new URL(page.url()).pathname;
	await page.goto(`${site.url}${brand}/members`);
	const invited = await page.evaluate(async (path) => (await fetch(`/api/v1${path}/invitations`, {
		method: 'POST', headers: { 'content-type': 'application/json', 'x-csrf-token': document.body.dataset.csrf },
		body: JSON.stringify({ email: 'jonas@nordlicht.example', role: 'editor' }),
	})).json(), brand);
	ok(invited.url, 'Jonas is invited');

	// ---- the owner links an account ----
	hear(page);
	await page.goto(`${site.url}/account`);
	await lookAt(page, '43-account');
	await page.getByRole('link', { name: 'Link an account' }).click();
	await page.getByLabel('Your password').fill('a patient');
	await page.getByRole('button', { name: 'Go on' }).click();
	is(await page.locator('.field-error').count(), 1, 'a wrong password gets a sentence');
	await lookAt(page, '44-link-password');
	await page.getByLabel('Your password').fill('a patient pour-over');
	await page.getByRole('button', { name: 'Go on' }).click();
	await lookAt(page, '45-link-which');
	await page.getByRole('link', { name: 'Microsoft' }).click();
	await page.getByRole('link', { name: /Ines/ }).click();
	await page.waitForURL(/account$/);
	ok(/From now on you can sign in with this as well/.test(await text(page)), 'the owner has linked an account of theirs');
	await lookAt(page, '46-linked');

	// ---- who is not invited ----
	page = await fresh();
	hear(page);
	await page.goto(`${site.url}/sign-in`);
	is(await page.locator('.oauth a').count(), 4, 'the sign-in page offers four providers');
	ok(await page.locator('.oauth svg use').evaluateAll((all) => all.every((u) => u.getBoundingClientRect().width > 10)), 'each with its sign');
	await lookAt(page, '40-sign-in-providers');
	await signIn(page, /Mallory/);
	ok(/Nobody has invited mallory@elsewhere\.example/.test(await text(page)), 'who is not invited reads a sentence');
	await lookAt(page, '41-not-invited');
	await page.getByRole('link', { name: 'Back to signing in' }).click();
	await page.waitForURL(/sign-in/);
	await page.goto(`${site.url}/brands`);
	ok(/\/sign-in/.test(page.url()), 'and is not signed in');

	// ---- who is ----
	await page.goto(invited.url);
	await lookAt(page, '47-invitation');
	await page.getByRole('link', { name: 'Google' }).click();
	await page.getByRole('link', { name: /Jonas/ }).click();
	await page.waitForURL(/127\.0\.0\.1/);
	ok(/Nordlicht Coffee/.test(await page.locator('body').innerText()), 'who is invited sees the brand');
	is(await page.evaluate(() => document.cookie), '', 'no cookie is there for scripts');
	const cookies = await page.context().cookies();
	ok(cookies.some((c) => c.name === 'ml_session') && !cookies.some((c) => c.name === 'ml_trip'), 'and the one of the trip is gone');

	// ---- silent ----
	await ask('PUT', '/_mode', { status: 503 });
	await page.waitForTimeout(3200);
	await page.goto(`${site.url}${brand}`);
	ok(/You stay signed in for/.test(await text(page)), 'while Supabase is silent a page says so, and goes on');
	await lookAt(page, '42-silent');
	await ask('PUT', '/_mode', {});

	// ---- denied, and a sign-in of another browser ----
	const denied = await fresh();
	await signIn(denied, /Deny/, 'GitHub');
	ok(/did not let you in, or you did not agree/.test(await text(denied)), 'who says no at the provider reads that');
	const thief = await fresh();
	await denied.goto(`${site.url}/sign-in`);
	await denied.getByRole('link', { name: 'Google' }).click();
	await denied.waitForURL(/localhost/);
	const choice = await denied.getByRole('link', { name: /Jonas/ }).getAttribute('href');
	await thief.goto(new URL(choice, fake).href);
	ok(/begun in another browser/.test(await text(thief)), 'a code in another browser signs nobody in');

	// ---- out ----
	await page.goto(`${site.url}${brand}`);
	const before = (await ask('GET', '/_stats')).logout;
	await page.getByRole('button', { name: 'Sign out' }).first().click();
	await page.waitForURL(/sign-in/);
	is((await ask('GET', '/_stats')).logout, before + 1, 'signing out tells Supabase');
	await page.goto(`${site.url}${brand}`);
	ok(/\/sign-in/.test(page.url()), 'and is an end here');
	await signIn(page, /Jonas/, 'GitHub');
	ok(/Nordlicht Coffee/.test(await page.locator('body').innerText()), 'the next time without an invitation');
} catch (e) {
	ok(false, `it goes on to its end: ${e.message.split('\n')[0]} at ${page.url()}`);
	console.log(e.stack.replace(/^/gm, '# '));
	await shoot(page, '99-broken-supabase').catch(() => {});
}
const unexpected = complaints.filter((c) => c.startsWith(site.url) && !/403|422/.test(c));
ok(unexpected.length === 0, 'no error in the console of the browser');
for (const c of unexpected)
	console.log(`#   ${c}`);
await browser.close();
await site.stop();
child.kill();
done();

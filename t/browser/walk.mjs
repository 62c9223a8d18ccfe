// The newcomer's walk: an empty state directory to the click in the report, in Chromium.
// Every page of it is photographed (desktop and phone, light and dark) and checked by axe.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { done, is, lookAt, ok, openBrowser, person, shoot, startSite, until } from './lib.mjs';

const site = await startSite();
const browser = await openBrowser();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, userAgent: person });
const page = await context.newPage();
const complaints = [];
page.on('console', (m) => { if (m.type() === 'error') complaints.push(`${page.url()}: ${m.text()}`); });
page.on('pageerror', (e) => complaints.push(`${page.url()}: ${e.message}`));

// The shop the mail links to is not here; that the browser asked for it is enough.
const visited = [];
context.on('request', (r) => {
	if (r.url().startsWith('https://shop.example/'))
		visited.push(r.url());
});

const look = (name) => lookAt(page, name);

const heading = () => page.locator('h1').first().innerText();
const press = async (name) => {
	await page.getByRole('button', { name }).first().click();
	await page.waitForLoadState();
};
const follow = async (name) => {
	await page.getByRole('link', { name }).first().click();
	await page.waitForLoadState();
};

try {
	// ---- the first account ----
	ok(site.setup !== undefined, './run prints the link of the first account');
	await page.goto(site.setup);
	await look('01-setup');
	await page.getByLabel('Your name').fill('Ines Halvorsen');
	await page.getByLabel('Email').fill('ines@nordlicht.example');
	await page.getByLabel('Password').fill('short');
	await press('Create the account');
	ok(await page.locator('.field-error').count() > 0, 'a short password gets a sentence');
	is(await page.getByLabel('Your name').inputValue(), 'Ines Halvorsen', 'and what was typed stays');
	await page.getByLabel('Password').fill('a patient pour-over');
	await press('Create the account');

	// ---- the first brand ----
	ok(/brand/i.test(await page.locator('main').innerText()), 'signed in; asked for a brand');
	await page.goto(`${site.url}/brands/new`);
	await look('02-new-brand');
	await page.locator('[name=name]').fill('Nordlicht Coffee');
	await page.locator('[name=from_name]').fill('Nordlicht Coffee');
	await page.locator('[name=from_email]').fill('hello@nordlicht.example');
	await page.locator('[name=postal_address]').fill('Limmerstrasse 58, 30451 Hannover');
	await page.locator('[name=time_zone]').fill('Europe/Berlin');
	await press(/Create the brand/);
	is(await heading(), 'Nordlicht Coffee', 'the brand has an overview');
	await look('03-overview-empty');
	const brand = new URL(page.url()).pathname;

	// ---- a list ----
	await follow('Lists');
	await look('04-lists-empty');
	await page.goto(`${site.url}${brand}/lists/new`);
	await page.getByLabel('Name').fill('Newsletter');
	await press(/Create|Make|Add/);
	await page.goto(`${site.url}${brand}/lists`);
	ok(await page.getByText('Newsletter').count() > 0, 'the list is there');

	// ---- an import ----
	await page.goto(`${site.url}${brand}/imports/new`);
	await look('05-import-file');
	const bad = join(site.state, 'picture.csv');
	writeFileSync(bad, Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]));
	await page.setInputFiles('[name=file]', bad);
	await press(/Upload/);
	ok(await page.locator('.field-error').count() > 0, 'a file that is no CSV gets a sentence');
	const rows = ['E-Mail;Vorname;Nachname;Stadt;Gruppe'];
	for (let i = 1; i <= 60; i++)
		rows.push(`person${i}@post.example;Maja ${i};Lindqvist;Hannover;${i % 2 ? 'wholesale' : 'linden'}`);
	rows.push('not-an-address;Tom;Herrera;Berlin;', 'two@@signs.example;Tom;Herrera;Berlin;');
	const csv = join(site.state, 'kunden.csv');
	writeFileSync(csv, '\ufeff' + rows.join('\r\n') + '\r\n');
	await page.setInputFiles('[name=file]', csv);
	await press(/Upload/);
	is(await heading(), 'Which column is what?', 'the columns are guessed');
	await page.getByLabel('Stadt becomes').selectOption('+');
	ok(await until(async () => /New field/.test(await page.locator('#guess-3').innerText()), 5),
		'a column that becomes a field says so');
	await look('06-import-columns');
	if (!await page.getByLabel('Newsletter').isChecked())
		await page.getByLabel('Newsletter').check();
	await press(/Import 62 rows/);
	const end = await until(async () => {
		await page.waitForLoadState();
		return /Done|finished|imported/i.test(await page.locator('main').innerText());
	}, 30);
	ok(end, 'the import ends');
	await look('07-import-done');
	const sum = (await page.locator('main').innerText()).replace(/\s+/g, ' ');
	ok(/60 New/.test(sum) && /2 Invalid/.test(sum), 'sixty are new, two are refused');
	await follow('Subscribers');
	await look('08-subscribers');
	await page.locator('a.lead').first().click();
	await page.waitForLoadState();
	await look('09-subscriber');

	// ---- a campaign ----
	await page.goto(`${site.url}${brand}/campaigns`);
	await look('10-campaigns-empty');
	await page.goto(`${site.url}${brand}/campaigns/new`);
	await page.getByLabel('Name').fill('Winter opening hours');
	await press(/Choose the audience/);
	await page.locator('[name=lists][type=checkbox]').first().check();
	await until(async () => /60/.test(await page.locator('#reach').innerText()), 5);
	ok(/60/.test(await page.locator('#reach').innerText()), 'the reach is counted while choosing');
	await look('11-audience');
	await press(/^Content/);
	await page.locator('[name=subject]').fill('New hours, {{ first_name | default: "friend" }}');
	const write = async (html) => {
		await page.evaluate((text) => {
			const area = document.querySelector('textarea[name=html]');
			area.value = text;
			area.dispatchEvent(new Event('input', { bubbles: true }));
		}, html);
	};
	await write('<h1>Hello {% if first_name %}{{ first_name }}</h1>');
	await press('Save');
	ok(/never closed|endif/.test(await page.locator('main').innerText()),
		'an unclosed tag: line, column and a sentence');
	await write('<h1>Hello {{ first_name }},</h1><p>We open at nine. '
		+ '<a href="https://shop.example/advent?city={{ stadt }}">Reserve a box</a></p>');
	await press('Save');
	await page.waitForTimeout(1000);
	await look('12-content');
	ok(/New hours, Alex – Hello Alex,\s+We open at nine/.test(await page.locator('.inbox').innerText()),
		'the inbox line is as that person sees it');
	await press(/^Checklist/);
	await look('13-checklist');
	await follow(/^Send/);
	await look('14-send');
	await page.getByRole('button', { name: /Send to 60/ }).dblclick();
	await page.waitForURL(/campaigns\/1$/);
	const campaign = `${site.url}${brand}/campaigns/1`;
	await page.goto(campaign);
	await look('15-sending');
	ok(await until(async () => {
		await page.goto(campaign);
		return /Completed/.test(await page.locator('main').innerText());
	}, 40), 'a double click sends it, and it completes');
	ok(/60 Accepted/.test((await page.locator('.sum').innerText()).replace(/\s+/g, ' ')), 'sixty mails, once each');

	// ---- the mail ----
	await page.goto(`${site.url}${brand}/outbox`);
	await look('16-outbox');
	await page.locator('main a[href*="/outbox/"]').first().click();
	await page.waitForLoadState();
	const frame = page.frameLocator('iframe');
	ok(/Hello Maja/.test(await frame.locator('h1').innerText()), 'the mail is there, with the name filled in');
	await look('17-mail');
	const popup = context.waitForEvent('page');
	await frame.getByText('Reserve a box').click();
	await popup;
	await until(() => visited.length > 0, 10);
	is(visited.join(), 'https://shop.example/advent?city=Hannover', 'its link leads to the shop, with the field filled in');

	// ---- the report ----
	ok(await until(async () => {
		await page.goto(campaign);
		return /Clicked by people\s+1\b/.test(await page.locator('.funnel').innerText());
	}, 20), 'the click is in the report');
	ok(/Opened by people\s+1\b/.test(await page.locator('.funnel').innerText()), 'and the open');
	await look('18-report');
	await page.goto(`${campaign}/recipients`);
	await look('19-recipients');
	await page.goto(`${site.url}${brand}`);
	await look('20-overview');

	// ---- the rest a newcomer sees ----
	await page.goto(`${site.url}${brand}/provider`);
	await look('21-delivery');
	await page.goto(`${site.url}${brand}/keys`);
	await look('22-keys');
	await page.goto(`${site.url}${brand}/settings`);
	await look('23-settings');
	await page.goto(`${site.url}${brand}/fields`);
	await look('24-fields');

	// ---- a server that nobody knows ----
	rmSync(join(site.state, 'host'));
	ok(await until(async () => {
		await page.goto(`${site.url}${brand}`);
		return /Look and confirm/.test(await page.locator('main').innerText());
	}, 40), 'without its file the server is a stranger, and every page says so');
	await look('29-held');
	await follow('Look and confirm');
	await look('30-servers-held');
	await press('Confirm');
	ok(/Confirmed/.test(await page.locator('main').innerText()), 'and is let in again');
	await look('31-servers');

	// ---- signed out while writing ----
	const signIn = async (tab, password) => {
		await tab.getByLabel('Email').fill('ines@nordlicht.example');
		await tab.getByLabel('Password').fill(password);
		await tab.getByRole('button', { name: 'Sign in' }).click();
		await tab.waitForLoadState();
	};
	await page.goto(`${site.url}${brand}/campaigns/new`);
	await page.getByLabel('Name').fill('Half a thought');
	await press(/Choose the audience/);
	await page.goto(page.url().replace(/audience$/, 'content'));
	await context.clearCookies();
	await page.locator('[name=subject]').fill('Words that took an hour');
	is(await page.locator('.mail-fields label span').first().innerText(), '23', 'the subject is counted while writing');
	ok(await until(() => page.locator('#net-note').count(), 10), 'signed out while writing: the page says so');
	await look('28-signed-out');
	const tab = await context.newPage();
	await tab.goto(`${site.url}/sign-in`);
	await signIn(tab, 'a patient pour-over');
	await tab.close();
	await page.evaluate(() => window.dispatchEvent(new Event('focus')));
	ok(await until(async () => await page.locator('#net-note').count() === 0, 10), 'back from signing in: it is saved');
	await page.reload();
	is(await page.locator('[name=subject]').inputValue(), 'Words that took an hour', 'and nothing typed is lost');

	const missing = complaints.length;
	await page.goto(`${site.url}${brand}/nothing`);
	await look('25-not-found');
	complaints.splice(missing);
	await page.goto(`${site.url}${brand}`);
	await press('Sign out');
	await page.goto(`${site.url}${brand}`);
	ok(/Sign in/.test(await page.locator('main').innerText()), 'signed out, the page asks to sign in');
	await page.getByLabel('Email').fill('ines@nordlicht.example');
	await page.getByLabel('Password').fill('wrong password');
	await press('Sign in');
	ok(await page.locator('.field-error').count() > 0, 'a wrong password gets a sentence');
	await look('26-sign-in');
} catch (e) {
	ok(false, `the walk goes on to its end: ${e.message.split('\n')[0]} at ${page.url()}`);
	console.log(e.stack.replace(/^/gm, '# '));
	await shoot(page, '99-broken').catch(() => {});
}
const unexpected = complaints.filter((c) => !/422|404|401/.test(c));
ok(unexpected.length === 0, 'no error in the console of the browser');
for (const c of unexpected)
	console.log(`#   ${c}`);
await browser.close();
await site.stop();
done();

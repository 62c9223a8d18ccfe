// The newcomer's walk without JavaScript: every step is a link or a form.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { done, is, ok, openBrowser, person, shoot, startSite, until } from './lib.mjs';

const site = await startSite();
const browser = await openBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, userAgent: person,
	javaScriptEnabled: false });
const page = await context.newPage();

const text = async () => (await page.locator('main').innerText()).replace(/\s+/g, ' ');
const press = async (name) => {
	await page.getByRole('button', { name }).first().click();
	await page.waitForLoadState();
};
const follow = async (name) => {
	await page.getByRole('link', { name }).first().click();
	await page.waitForLoadState();
};

try {
	await page.goto(site.setup);
	await page.getByLabel('Your name').fill('Ines Halvorsen');
	await page.getByLabel('Email').fill('ines@nordlicht.example');
	await page.getByLabel('Password').fill('a patient pour-over');
	await press('Create the account');
	await page.locator('[name=name]').fill('Nordlicht Coffee');
	await page.locator('[name=from_email]').fill('hello@nordlicht.example');
	await page.locator('[name=postal_address]').fill('Limmerstrasse 58, 30451 Hannover');
	await press(/Create the brand/);
	const brand = new URL(page.url()).pathname;
	ok(/^\/brands\/\d+$/.test(brand), 'an account and a brand, by forms alone');

	// ---- people, on a list made on the way ----
	const csv = join(site.state, 'winter_guests.csv');
	const rows = ['email,first name'];
	for (let i = 1; i <= 20; i++)
		rows.push(`guest${i}@post.example,Guest ${i}`);
	writeFileSync(csv, rows.join('\n') + '\n');
	await follow(/Import a file/);
	await page.setInputFiles('[name=file]', csv);
	await press(/Upload/);
	is(await page.getByLabel('New list').inputValue(), 'winter guests', 'no list yet: one is offered, named as the file');
	await page.getByLabel('New list').fill('Winter guests');
	await press(/Import 20 rows/);
	ok(await until(async () => {
		await page.reload();
		return /20 rows imported/.test(await text());
	}, 30), 'the import ends');
	ok(/to Winter guests/.test(await text()), 'on the list that was made');

	// ---- a campaign ----
	await follow(/Write a campaign/);
	await page.getByLabel('Name').fill('Advent box');
	await press(/Choose the audience/);
	await page.getByLabel('Winter guests').first().check();
	ok(/20/.test(await page.locator('.picks').first().innerText()), 'the list says how many it reaches');
	await press(/^Content/);
	await page.locator('[name=subject]').fill('A box for {{ first_name }}');
	await page.locator('[name=html]').fill('<h1>Hello {% if first_name %}{{ first_name }}</h1>');
	await press('Save');
	ok(/never closed|endif/.test(await text()), 'an unclosed tag gets its sentence');
	await page.locator('[name=preview_text]').fill('Open it, {{ first_name }}');
	await page.locator('[name=html]').fill('<h1>Hello {{ first_name }},</h1><p>There are 24 bags in it.</p>');
	await press('Save');
	await page.getByLabel('Phone').check();
	await page.getByLabel('Preview as subscriber').selectOption({ label: 'Guest 7' });
	await press('Show');
	ok(/A box for Guest 7 – Open it, Guest 7/.test(await page.locator('.inbox').innerText()), 'the preview shows what that person sees');
	await shoot(page, 'nojs-1-content');
	await press(/^Checklist/);
	await follow(/^Send/);
	await page.getByLabel(/Day and time/).fill('2020-01-01T10:00');
	await press('Schedule');
	ok(/future/.test(await text()), 'a time gone by is refused in words');
	await press(/Send to 20/);
	ok(await until(async () => {
		await page.reload();
		return /Completed/.test(await text());
	}, 40), 'it is sent');
	ok(/20 Accepted/.test((await page.locator('.sum').innerText()).replace(/\s+/g, ' ')), 'to twenty, once each');
	ok(/guest\d+@post.example/.test(await text()), 'the report names the first recipients');
	await shoot(page, 'nojs-2-report');

	// ---- the mail ----
	await follow('Outbox');
	await page.locator('main a[href*="/outbox/"]').first().click();
	await page.waitForLoadState();
	ok(/Hello Guest/.test(await page.frameLocator('iframe').locator('h1').innerText()), 'the mail can be read');

	// ---- signed out while writing ----
	await page.goto(`${site.url}${brand}/campaigns/new`);
	await page.getByLabel('Name').fill('Half a thought');
	await press(/Choose the audience/);
	await page.goto(page.url().replace(/audience$/, 'content'));
	const editor = page.url();
	await page.locator('[name=html]').fill('<p>Words that took an hour.</p>');
	await context.clearCookies();
	await press('Save');
	ok(/signed out/i.test(await text()), 'signed out meanwhile: the page says so');
	ok((await page.content()).includes('Words that took an hour.'), 'and gives back what was typed');
	await shoot(page, 'nojs-3-signed-out');
	const popup = context.waitForEvent('page');
	await page.getByRole('link', { name: /Sign in/ }).click();
	const other = await popup;
	await other.getByLabel('Email').fill('ines@nordlicht.example');
	await other.getByLabel('Password').fill('a patient pour-over');
	await other.getByRole('button', { name: 'Sign in' }).click();
	await other.waitForLoadState();
	is(new URL(other.url()).pathname.replace(/\/\w+$/, ''), new URL(editor).pathname.replace(/\/\w+$/, ''),
		'signing in, in a tab beside it, leads back to the campaign');
} catch (e) {
	ok(false, `the walk goes on to its end: ${e.message.split('\n')[0]} at ${page.url()}`);
	console.log(e.stack.replace(/^/gm, '# '));
	await shoot(page, 'nojs-99-broken').catch(() => {});
}
await browser.close();
await site.stop();
done();
